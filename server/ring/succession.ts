import { fairShares, roomOf } from './shares.ts'
import type { RingMember } from './slot-table.ts'

/** Nearer candidates are looked at first: mostly one of them will do, and far cheaper than the whole circle. */
const NEAREST = 8

/**
 * Lets members leave a placement one after the other. Each slot that the leaving one owned gets one other owner in its
 * place and no other slot gets any, so that nothing is copied but what was lost with it.
 *
 * Who takes the place is in a zone that no other owner of the slot is in, where there is such a one at all; of those,
 * it has room left by the shares of the members that stay; of those, it is the nearest in the ring order of the slot.
 */
export class Succession {
  private readonly members: readonly RingMember[]
  private readonly owners: Uint16Array
  private readonly n: number
  private readonly slots: number
  private readonly order: (slot: number, count: number) => readonly number[]
  private readonly zones: readonly number[]
  private readonly nearest: (readonly number[])[] = []
  private readonly load: number[]
  private readonly gone = new Set<number>()
  /** How many members of each zone stay. */
  private readonly staying: number[]
  private room: readonly number[] = []

  /**
   * @param members all that the placement is over.
   * @param owners the placement: indices into `members`, `n` for each slot; changed in place.
   */
  constructor(
    members: readonly RingMember[],
    owners: Uint16Array,
    settings: { n: number; slots: number; order: (slot: number, count: number) => readonly number[] },
  ) {
    this.members = members
    this.owners = owners
    this.n = settings.n
    this.slots = settings.slots
    this.order = settings.order
    const names = [...new Set(members.map(({ zone }) => zone))]
    this.zones = members.map(({ zone }) => names.indexOf(zone))
    this.staying = names.map(() => 0)
    for (const zone of this.zones) (this.staying[zone] as number)++
    this.load = members.map(() => 0)
    for (const member of owners) (this.load[member] as number)++
  }

  /** How many slots each member ought to own now; 0 for those that have left. */
  shares(): number[] {
    const staying = [...this.members.keys()].filter((member) => !this.gone.has(member))
    const among = staying.map((member) => this.members[member] as RingMember)
    const shares = this.members.map(() => 0)
    fairShares(among, this.n, this.slots).forEach((share, i) => {
      shares[staying[i] as number] = share
    })
    return shares
  }

  /** At least `n` others must stay. */
  leave(leaving: number): void {
    this.gone.add(leaving)
    ;(this.staying[this.zones[leaving] as number] as number)--
    this.room = this.shares().map(roomOf)
    const places: { at: number; apart: number }[] = []
    for (let at = this.owners.indexOf(leaving); at >= 0; at = this.owners.indexOf(leaving, at + 1)) {
      places.push({ at, apart: this.countApart(at) })
    }
    // Slots with little choice come first: the others can still go where those have left room. Anyone will do for a
    // slot for which there is no zone of its own.
    const choice = ({ apart }: { apart: number }) => (apart === 0 ? this.members.length : apart)
    places.sort((a, b) => choice(a) - choice(b) || a.at - b.at)
    for (const { at, apart } of places) {
      const taker = this.takerOf(at, apart > 0)
      this.owners[at] = taker
      ;(this.load[taker] as number)++
    }
  }

  /** How many of those that stay are in zones that no other owner of the slot is in. */
  private countApart(at: number): number {
    const others = this.othersAt(at).map((owner) => this.zones[owner] as number)
    const beside = others.filter((zone, i) => others.indexOf(zone) === i)
    const all = this.members.length - this.gone.size
    return beside.reduce((apart, zone) => apart - (this.staying[zone] as number), all)
  }

  private takerOf(at: number, apart: boolean): number {
    const others = this.othersAt(at)
    const beside = others.map((owner) => this.zones[owner] as number)
    const all = this.members.length
    let first: number | undefined
    for (const count of [Math.min(NEAREST, all), all]) {
      for (const member of this.candidates(Math.floor(at / this.n), count)) {
        if (this.gone.has(member) || others.includes(member)) continue
        if (apart && beside.includes(this.zones[member] as number)) continue
        if ((this.load[member] as number) < (this.room[member] as number)) return member
        first ??= member
      }
    }
    return first as number
  }

  /** The owners of the slot of that place, but for the one in the place. */
  private othersAt(at: number): number[] {
    const start = at - (at % this.n)
    const others: number[] = []
    for (let place = start; place < start + this.n; place++) {
      if (place !== at) others.push(this.owners[place] as number)
    }
    return others
  }

  /** What leaves after another asks for many of the same slots again: their nearest are kept. */
  private candidates(slot: number, count: number): readonly number[] {
    if (count > NEAREST) return this.order(slot, count)
    let nearest = this.nearest[slot]
    if (nearest === undefined) {
      nearest = this.order(slot, count)
      this.nearest[slot] = nearest
    }
    return nearest
  }
}
