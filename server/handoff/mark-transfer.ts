import { KvError } from '../../shared/errors.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import { MARK, MAX_MARKS } from '../rpc/mark-method.ts'
import type { Reply, Rpc } from '../rpc/method.ts'
import type { HandoffRing } from './handoff-ring.ts'
import type { DurableRepairMarks, RepairMark } from './repair-marks.ts'

/** How often marks are looked at, milliseconds. */
const ROUND_MS = 2_000
const MARK_TIMEOUT_MS = 5_000

export interface MarkTransferComponents {
  readonly clock: Clock
  readonly rpc: Rpc
  readonly ring: HandoffRing
  readonly marks: DurableRepairMarks
}

/**
 * Only an owner can repair a slot, but it is mostly a fallback that has to refuse a hint. So whoever marks a slot that
 * it does not own hands the mark to an owner within reach, and keeps it until that one has it on its disk.
 */
export class MarkTransfer {
  private readonly components: MarkTransferComponents
  private readonly self: NodeId
  private timer: Timer | undefined

  constructor(components: MarkTransferComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
  }

  serve(rpc: Rpc): void {
    rpc.handle(MARK, (_from, { slots }, reply) => this.take(slots, reply))
  }

  start(): void {
    this.timer = this.components.clock.after(ROUND_MS, () => {
      this.start()
      this.handOver()
    })
  }

  stop(): void {
    this.timer?.cancel()
    this.timer = undefined
  }

  private handOver(): void {
    const { ring, rpc, marks } = this.components
    const table = ring.slots()
    if (table === undefined || marks.count === 0) return
    const byOwner = new Map<NodeId, RepairMark[]>()
    for (const mark of marks.marked()) {
      const owners = table.owners(mark.slot)
      const owner = owners.includes(this.self) ? undefined : owners.find((id) => ring.reachable(id))
      if (owner === undefined) continue
      const theirs = byOwner.get(owner) ?? []
      if (theirs.length < MAX_MARKS) byOwner.set(owner, [...theirs, mark])
    }
    for (const [owner, theirs] of byOwner) {
      const slots = theirs.map(({ slot }) => slot)
      rpc.call(owner, MARK, { slots }, MARK_TIMEOUT_MS, (error) => {
        if (error === undefined) for (const mark of theirs) marks.clear(mark)
      })
    }
  }

  private take(slots: readonly number[], reply: Reply<void>): void {
    if (slots.some((slot) => slot >= SLOTS)) {
      return reply(new KvError('usage', 'a slot that does not exist was to be marked for repair'))
    }
    let left = slots.length
    if (left === 0) return reply(undefined)
    let failure: KvError | undefined
    for (const slot of slots) {
      this.components.marks.mark(slot, (error) => {
        failure ??= error
        if (--left === 0) reply(failure)
      })
    }
  }
}
