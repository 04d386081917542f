import { roomOf } from './shares.ts'

/**
 * The first owner of a slot does a little more than the others: shares that role out as well, by moving another owner
 * to the front where the first one has had its part.
 *
 * @param owners indices of members, `n` for each slot, one slot after the other; changed in place.
 * @param shares how many slots each member ought to own.
 */
export function balanceFirst(owners: Uint16Array, shares: readonly number[], n: number): void {
  const first = shares.map(() => 0)
  const room = shares.map((share) => roomOf(share / n))
  for (let at = 0; at < owners.length; at += n) {
    const ofSlot = owners.subarray(at, at + n)
    const free = ofSlot.findIndex((member) => (first[member] as number) < (room[member] as number))
    const lead = ofSlot[Math.max(free, 0)] as number
    if (free > 0) {
      ofSlot.copyWithin(1, 0, free)
      ofSlot[0] = lead
    }
    ;(first[lead] as number)++
  }
}
