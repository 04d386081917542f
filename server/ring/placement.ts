import { balanceFirst } from './first-owner.ts'
import { fairShares, roomOf } from './shares.ts'
import type { RingMember } from './slot-table.ts'

/**
 * The owners of every slot, as indices into `members`: `n` for each slot, one slot after the other.
 *
 * Every slot takes the first members in its ring order that have room left, each in a zone of its own while there
 * are such zones. Where that leaves a slot without enough, members take it beyond their room, and give
 * other slots away afterwards.
 */
export class Placement {
  readonly owners: Uint16Array
  private readonly members: readonly RingMember[]
  private readonly n: number
  private readonly order: (slot: number, count: number) => readonly number[]
  private readonly zones: readonly number[]
  /** Owners of one slot that may be in a zone that has one already. */
  private readonly repeats: number
  private readonly room: readonly number[]
  private readonly load: number[]

  constructor(
    members: readonly RingMember[],
    settings: { n: number; slots: number; order: (slot: number, count: number) => readonly number[] },
  ) {
    const { n, slots, order } = settings
    this.members = members
    this.n = n
    this.order = order
    const names = [...new Set(members.map(({ zone }) => zone))]
    this.zones = members.map(({ zone }) => names.indexOf(zone))
    this.repeats = n - Math.min(names.length, n)
    const shares = fairShares(members, n, slots)
    this.room = shares.map((share) => Math.min(slots, roomOf(share)))
    this.load = members.map(() => 0)
    this.owners = new Uint16Array(slots * n)
    for (let slot = 0; slot < slots; slot++) this.choose(slot)
    this.relieve()
    balanceFirst(this.owners, shares, n)
  }

  private choose(slot: number): void {
    // Mostly the nearest will do, and far cheaper than the whole circle.
    const all = this.members.length
    let chosen: number[] = []
    for (const count of [this.n, this.n + 3, all]) {
      if (chosen.length < this.n) chosen = this.pick(this.order(slot, Math.min(count, all)), true)
    }
    if (chosen.length < this.n) chosen = this.pick(this.order(slot, all), false)
    this.owners.set(chosen, slot * this.n)
    for (const member of chosen) (this.load[member] as number)++
  }

  private pick(candidates: readonly number[], bounded: boolean): number[] {
    const chosen: number[] = []
    let repeats = this.repeats
    for (const member of candidates) {
      if (bounded && (this.load[member] as number) >= (this.room[member] as number)) continue
      if (chosen.some((other) => this.zones[other] === this.zones[member]) && repeats-- <= 0) continue
      chosen.push(member)
      if (chosen.length === this.n) break
    }
    return chosen
  }

  /** Members beyond their room give slots to others that have some, as long as that finds takers. */
  private relieve(): void {
    for (let at = this.owners.length - 1; at >= 0; at--) {
      const member = this.owners[at] as number
      if ((this.load[member] as number) <= (this.room[member] as number)) continue
      const slot = Math.floor(at / this.n)
      const owners = this.owners.subarray(slot * this.n, (slot + 1) * this.n)
      const taker = this.order(slot, this.members.length).find((other) =>
        this.mayReplace(owners, member, other),
      )
      if (taker === undefined) continue
      this.owners[at] = taker
      ;(this.load[member] as number)--
      ;(this.load[taker] as number)++
    }
  }

  private mayReplace(owners: Uint16Array, member: number, taker: number): boolean {
    if ((this.load[taker] as number) >= (this.room[taker] as number) || owners.includes(taker)) return false
    const zones = new Set<number>()
    for (const owner of owners) zones.add(this.zones[owner === member ? taker : owner] as number)
    return zones.size >= this.n - this.repeats
  }
}
