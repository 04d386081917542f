import type { RepairMark, RepairMarks } from '../handoff/repair-marks.ts'
import type { NodeId } from '../ports/network.ts'
import type { SlotTable } from '../ring/slot-table.ts'

/** The marks that hand-off has left, until a round of comparisons has seen to them. */
export class MarkedSlots {
  private readonly components: { marks: RepairMarks; slots: () => SlotTable | undefined }
  private readonly self: NodeId
  private taken: readonly RepairMark[] = []

  constructor(
    components: { marks: RepairMarks; slots: () => SlotTable | undefined },
    settings: { id: NodeId },
  ) {
    this.components = components
    this.self = settings.id
  }

  /** What is marked from now on is left to the next round. */
  roundBegins(): void {
    this.taken = this.components.marks.marked()
  }

  /**
   * Every other owner of this node's slots has been compared with.
   * @param differs whether the slot still does from another owner's: its mark stays.
   */
  roundEnds(differs: (slot: number) => boolean): void {
    const slots = this.components.slots()
    for (const mark of this.taken) {
      // Marks of slots that this node does not own go to an owner first.
      if (slots?.isOwner(mark.slot, this.self) && !differs(mark.slot)) this.components.marks.clear(mark)
    }
    this.taken = []
  }
}
