import type { RingStatus } from '../../shared/api.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import type { Layout } from './layout.ts'
import type { MemberView } from './member-view.ts'

/**
 * The state of the ring as one node sees it. `degraded`: some slot has fewer than n owners up, or owners that are
 * known to hold different things, or hints wait, or an owner is being filled.
 * `critical`: some slot has too few owners up for a strict read or write.
 */
export function ringStatus(
  cluster: string,
  layout: Layout | undefined,
  slots: SlotTable | undefined,
  members: readonly MemberView[],
): RingStatus {
  const up = new Set(members.filter((member) => member.state === 'up').map((member) => member.id))
  const { belowN, withoutQuorum } = count(slots, up, Math.max(layout?.r ?? 1, layout?.w ?? 1))
  const nodes = members.map((member) => ({
    id: member.id,
    state: member.state,
    http: member.http,
    zone: member.zone,
    ownership: slots?.ownership(member.id) ?? 0,
    keys: member.keys,
    bytes: member.bytes,
    hintsHeld: member.hintsHeld,
    divergentSlots: member.divergentSlots,
    unfilledSlots: member.unfilledSlots,
    incarnation: member.incarnation,
  }))
  const hints = members.reduce((sum, member) => sum + member.hintsHeld, 0)
  const divergent = members.some((member) => member.divergentSlots > 0 || member.unfilledSlots > 0)
  const degraded = belowN > 0 || hints > 0 || divergent
  const health = withoutQuorum > 0 ? 'critical' : degraded ? 'degraded' : 'ok'
  return {
    cluster,
    layoutVersion: layout?.version ?? 0,
    n: layout?.n ?? 0,
    r: layout?.r ?? 0,
    w: layout?.w ?? 0,
    conflicts: layout?.conflicts ?? 'lww',
    health,
    reason: reason(members, belowN, withoutQuorum, hints, slots === undefined),
    slots: SLOTS,
    slotsBelowN: belowN,
    slotsWithoutQuorum: withoutQuorum,
    nodes,
  }
}

/** Slots with owners missing, and slots with fewer than `quorum` owners up. Without a layout no slot has any. */
function count(slots: SlotTable | undefined, up: ReadonlySet<string>, quorum: number) {
  if (slots === undefined) return { belowN: SLOTS, withoutQuorum: SLOTS }
  let belowN = 0
  let withoutQuorum = 0
  for (const [owners, share] of slots.shares) {
    let present = 0
    for (const owner of owners) if (up.has(owner)) present++
    if (present < slots.n) belowN += share
    if (present < quorum) withoutQuorum += share
  }
  return { belowN, withoutQuorum }
}

function reason(
  members: readonly MemberView[],
  belowN: number,
  withoutQuorum: number,
  hints: number,
  unformed: boolean,
): string {
  if (unformed) return 'the ring is not formed yet: its first nodes have not all been found'
  const parts: string[] = []
  const away = members.filter((member) => member.state === 'down' || member.state === 'suspect')
  if (away.length > 0) parts.push(away.map((member) => `${member.id} is ${member.state}`).join(', '))
  if (withoutQuorum > 0) parts.push(`${withoutQuorum} slots have no quorum of their owners`)
  else if (belowN > 0) parts.push(`${belowN} slots have fewer copies than n`)
  if (hints > 0) {
    const holders = members.filter((member) => member.hintsHeld > 0)
    parts.push(`${hints} ${hints === 1 ? 'hint waits' : 'hints wait'} on ${names(holders)}`)
  }
  const filling = members.filter((member) => member.unfilledSlots > 0)
  if (filling.length > 0) {
    const count = filling.reduce((sum, member) => sum + member.unfilledSlots, 0)
    const [what, counts] = count === 1 ? ['1 slot is', 'counts'] : [`${count} slots are`, 'count']
    parts.push(`${what} being filled on ${names(filling)}, and ${counts} in no read there before`)
  }
  const mending = members.filter((member) => member.divergentSlots > 0)
  if (mending.length > 0) {
    const count = mending.reduce((sum, member) => sum + member.divergentSlots, 0)
    const [verb, whose] = mending.length === 1 ? ['is', 'its'] : ['are', 'their']
    parts.push(`${names(mending)} ${verb} mending ${count} slots that differ from ${whose} peers`)
  }
  return parts.join('; ')
}

function names(members: readonly MemberView[]): string {
  return members.map(({ id }) => id).join(', ')
}
