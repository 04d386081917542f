import { compareStamps, type Stamp } from '../causality/stamp.ts'
import type { NodeId } from '../ports/network.ts'

/** What a fallback holds durably: a hint for an owner. */
interface Hint {
  readonly holder: NodeId
  readonly owner: NodeId
}

/**
 * The tally of one round of a write: who holds it durably, and is that enough?
 *
 * Copies count that are on disks of their own now, and that come to owners of their own in the end. A disk that is lost
 * takes the data and the hints on it together, so it counts once; and a hint for an owner that holds the write already
 * is gone as soon as it is handed over, so the two count once as well.
 */
export class PutCore {
  private readonly w: number
  private readonly strict: boolean
  /** Each once. Arrays of so few are cheaper than sets, of which every write would make two. */
  private readonly owners: NodeId[] = []
  private readonly unfilled: NodeId[] = []
  private readonly hints: Hint[] = []
  private highest: Stamp | undefined
  private anyCopy = false

  constructor(settings: { w: number; strict: boolean }) {
    this.w = settings.w
    this.strict = settings.strict
  }

  /**
   * `node` holds the record as one of the key's owners.
   * @param complete false where it has to be filled first: it counts in no read, and does not know what it must outrank.
   */
  ackedByOwner(node: NodeId, outrankedBy: Stamp | undefined, complete: boolean): void {
    const list = complete ? this.owners : this.unfilled
    if (!list.includes(node)) list.push(node)
    if (outrankedBy === undefined) return
    if (this.highest === undefined || compareStamps(outrankedBy, this.highest) > 0) this.highest = outrankedBy
  }

  /** `holder` keeps the record as a hint for the owner. */
  ackedByFallback(holder: NodeId, owner: NodeId): void {
    this.hints.push({ holder, owner })
  }

  /** There is no hope of better ones: owners that have to be filled count as fallbacks do. */
  countUnfilled(): void {
    this.anyCopy = true
  }

  /** Copies that count towards w. */
  get acks(): number {
    return this.strict || (this.hints.length === 0 && !this.anyCopy) ? this.owners.length : this.paired()
  }

  get enough(): boolean {
    return this.acks >= this.w
  }

  /** True where w is only reached with hints, or owners that have to be filled. */
  get sloppy(): boolean {
    return this.owners.length < this.w
  }

  /** The highest stamp by which an owner holds something else instead; it must be written above that. */
  get outrankedBy(): Stamp | undefined {
    return this.highest
  }

  /** A largest choice of copies of which no two share a disk or an owner: a matching, by augmenting paths. */
  private paired(): number {
    const owners = this.anyCopy ? [...this.owners, ...this.unfilled] : this.owners
    const copies = [...owners.map((owner) => ({ holder: owner, owner })), ...this.hints]
    const pairs = new Map<NodeId, Hint>()
    const place = (holder: NodeId, tried: Set<NodeId>): boolean =>
      copies.some((copy) => {
        if (copy.holder !== holder || tried.has(copy.owner)) return false
        tried.add(copy.owner)
        const taken = pairs.get(copy.owner)
        if (taken !== undefined && !place(taken.holder, tried)) return false
        pairs.set(copy.owner, copy)
        return true
      })
    for (const holder of new Set(copies.map((copy) => copy.holder))) place(holder, new Set())
    return pairs.size
  }
}
