import { type RingMember, SlotTable } from '../../server/ring/slot-table.ts'

/**
 * All nodes of all simulations of this process share the slot tables of equal layouts. A table is a pure function
 * of the layout and takes longer to work out than a second of virtual time; every node that starts needs one.
 */
export function shareSlotTables(): void {
  const tables = new Map<string, SlotTable>()
  const build = SlotTable.build.bind(SlotTable)
  SlotTable.build = (members, n, former = []) => {
    const nodes = (some: readonly RingMember[]) => some.map(({ id, zone, weight }) => [id, zone, weight])
    const layout = JSON.stringify([nodes(members), n, nodes(former)])
    let table = tables.get(layout)
    if (table === undefined) {
      table = build(members, n, former)
      tables.set(layout, table)
    }
    return table
  }
}
