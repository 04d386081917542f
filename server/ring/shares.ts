import type { RingMember } from './slot-table.ts'

/** No member owns more than this many times its fair share (Mirrokni et al., "Consistent Hashing with Bounded Loads"). */
export const MAX_OVERLOAD = 1.05

interface Vessel {
  readonly weight: number
  readonly least: number
  readonly most: number
}

/**
 * How many slots each member ought to own, in their order: by weight, but no more than all of them, and so that
 * the n owners of every slot can be in different zones, or in all the zones where there are fewer than n.
 * A small zone may therefore have to own more than its weight, and its members with it.
 */
export function fairShares(members: readonly RingMember[], n: number, slots: number): number[] {
  const zones = new Map<string, number[]>()
  members.forEach(({ zone }, i) => {
    const inZone = zones.get(zone)
    if (inZone === undefined) zones.set(zone, [i])
    else inZone.push(i)
  })
  const repeats = n - Math.min(zones.size, n)
  const vessels = [...zones.values()].map((inZone) => ({
    weight: inZone.reduce((sum, i) => sum + (members[i] as RingMember).weight, 0),
    least: zones.size <= n ? slots : 0,
    most: Math.min(inZone.length, 1 + repeats) * slots,
  }))
  const zoneShares = pour(vessels, n * slots)
  const shares = members.map(() => 0)
  let z = 0
  for (const inZone of zones.values()) {
    const inside = inZone.map((i) => ({ weight: (members[i] as RingMember).weight, least: 0, most: slots }))
    pour(inside, zoneShares[z++] as number).forEach((share, k) => {
      shares[inZone[k] as number] = share
    })
  }
  return shares
}

/** How many slots a member with that fair share may own. */
export function roomOf(share: number): number {
  return Math.max(Math.ceil(share), Math.floor(share * MAX_OVERLOAD))
}

/** Divides `total` by weight between each one's least and most: the level that water finds in joined vessels. */
function pour(vessels: readonly Vessel[], total: number): number[] {
  const fill = (level: number): number[] =>
    vessels.map(({ weight, least, most }) => Math.min(Math.max(level * weight, least), most))
  let low = 0
  let high = vessels.reduce((highest, { weight, most }) => Math.max(highest, most / weight), 0)
  // Halve until no number is left between the two.
  for (let level = high / 2; level > low && level < high; level = low + (high - low) / 2) {
    if (fill(level).reduce((sum, share) => sum + share, 0) < total) low = level
    else high = level
  }
  return fill(high)
}
