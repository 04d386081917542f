import { compareStamps, type Stamp } from '../causality/stamp.ts'
import type { NodeId } from '../ports/network.ts'

/**
 * The tally of one round of a write: who holds it durably, and is that enough?
 * A node counts once, whatever it holds: a disk that is lost takes the data and the hints on it together.
 */
export class PutCore {
  private readonly w: number
  private readonly strict: boolean
  /** Each once. Arrays of so few are cheaper than sets, of which every write would make two. */
  private readonly owners: NodeId[] = []
  private readonly holders: NodeId[] = []
  private highest: Stamp | undefined

  constructor(settings: { w: number; strict: boolean }) {
    this.w = settings.w
    this.strict = settings.strict
  }

  /** `node` holds the record as one of the key's owners. */
  ackedByOwner(node: NodeId, outrankedBy: Stamp | undefined): void {
    add(this.owners, node)
    add(this.holders, node)
    if (outrankedBy === undefined) return
    if (this.highest === undefined || compareStamps(outrankedBy, this.highest) > 0) this.highest = outrankedBy
  }

  /** `node` keeps the record as a hint for an owner out of reach. */
  ackedByFallback(node: NodeId): void {
    add(this.holders, node)
  }

  /** Distinct disks that count towards w. */
  get acks(): number {
    return this.strict ? this.owners.length : this.holders.length
  }

  get enough(): boolean {
    return this.acks >= this.w
  }

  /** True where w is only reached with hints. */
  get sloppy(): boolean {
    return this.owners.length < this.w
  }

  /** The highest stamp by which an owner holds something else instead; it must be written above that. */
  get outrankedBy(): Stamp | undefined {
    return this.highest
  }
}

function add(nodes: NodeId[], node: NodeId): void {
  if (!nodes.includes(node)) nodes.push(node)
}
