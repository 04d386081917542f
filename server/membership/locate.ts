import type { LocateResult, NodeState } from '../../shared/api.ts'
import { KvError } from '../../shared/errors.ts'
import { type Key, keyToText } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import type { NodeId } from '../ports/network.ts'
import type { SlotTable } from '../ring/slot-table.ts'

/** Where the key lives. @throws KvError `not_ready` before the first layout. */
export function locate(
  key: Key,
  ring: { slots(): SlotTable | undefined; state(id: NodeId): NodeState },
): LocateResult {
  const slots = ring.slots()
  if (slots === undefined) throw new KvError('not_ready', 'the ring is not formed yet')
  const slot = slotOf(key)
  const preferenceList = slots.preference(slot).map((id) => ({
    id,
    role: slots.isOwner(slot, id) ? ('owner' as const) : ('fallback' as const),
    state: ring.state(id),
  }))
  return { key: keyToText(key), slot, preferenceList }
}
