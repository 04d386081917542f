import type { NodeId } from '../ports/network.ts'

/** The wall clock may move this much against the monotonic one between two rounds of heartbeats. */
const MAX_JUMP_MS = 1000

/** The sample with the shortest round trip of this long stands for a peer (the clock filter of NTP, RFC 5905). */
const SAMPLE_WINDOW_MS = 2000

/** A peer that has not been sampled for this long has no voice. */
const SAMPLE_LIFE_MS = 5000

interface Sample {
  readonly offsetMs: number
  readonly roundTripMs: number
  readonly ms: number
}

/**
 * Whether this node's wall clock can be trusted: near enough those of most of the nodes that it hears of, itself
 * included (so that one wrong clock among three is outvoted), which are a majority of the members, since
 * the start or the clock's last jump. That the median is near is not enough: of three clocks that all differ it is the one
 * between a slow and a fast one. Where two halves disagree, nobody can tell who is right.
 */
export class ClockSkew {
  private readonly self: NodeId
  private readonly maxSkewMs: number
  private members: readonly NodeId[] = []
  private readonly samples = new Map<NodeId, Sample>()
  private validated = false
  private medianMs = 0
  /** Most of the clocks are near this one. */
  private agreed = false
  /** Wall minus monotonic clock at the last round. */
  private reference: number | undefined

  constructor(settings: { self: NodeId; maxSkewMs: number }) {
    this.self = settings.self
    this.maxSkewMs = settings.maxSkewMs
  }

  setMembers(members: readonly NodeId[]): void {
    this.members = members
    this.validated = false
    this.assess()
  }

  /** Once a heartbeat round. @returns how far the wall clock jumped since the last one, or 0. */
  round(wallMs: number, monotonicMs: number): number {
    const jump = this.jump(wallMs, monotonicMs)
    this.reference = wallMs - monotonicMs
    if (jump !== 0) {
      this.samples.clear()
      this.validated = false
    }
    for (const [id, { ms }] of this.samples) if (monotonicMs - ms > SAMPLE_LIFE_MS) this.samples.delete(id)
    this.assess()
    return jump
  }

  /** A peer's wall clock as it read about half a round trip before `wallMs` and `monotonicMs`, which are now's. */
  sample(peer: NodeId, peerWallMs: number, roundTripMs: number, wallMs: number, monotonicMs: number): void {
    if (this.jump(wallMs, monotonicMs) !== 0) return
    const old = this.samples.get(peer)
    if (old === undefined || roundTripMs <= old.roundTripMs || monotonicMs - old.ms > SAMPLE_WINDOW_MS) {
      const offsetMs = peerWallMs - (wallMs - roundTripMs / 2)
      this.samples.set(peer, { offsetMs, roundTripMs, ms: monotonicMs })
    }
    // Once validated, once a round is enough.
    if (!this.validated) this.assess()
  }

  forget(peer: NodeId): void {
    this.samples.delete(peer)
  }

  trusted(wallMs: number, monotonicMs: number): boolean {
    return this.validated && this.agreed && this.jump(wallMs, monotonicMs) === 0
  }

  /** How far the ring's clocks are ahead of this node's, milliseconds. */
  get offsetMs(): number {
    return this.medianMs
  }

  private jump(wallMs: number, monotonicMs: number): number {
    if (this.reference === undefined) return 0
    const moved = wallMs - monotonicMs - this.reference
    return Math.abs(moved) > MAX_JUMP_MS ? moved : 0
  }

  private assess(): void {
    const offsets = [0]
    for (const member of this.members) {
      const sample = this.samples.get(member)
      if (member === this.self) continue
      if (sample !== undefined) offsets.push(sample.offsetMs)
    }
    // Out of touch with the others, this clock is as far from theirs as it was; and nobody has confirmed it who is not
    // in touch together with a majority: each by itself may be the one whose clock is wrong.
    if (this.members.length === 0 || offsets.length * 2 <= this.members.length) return
    this.medianMs = median(offsets)
    this.agreed = offsets.filter((ms) => Math.abs(ms) <= this.maxSkewMs).length * 2 > offsets.length
    this.validated = true
  }
}

/** Of an even number of offsets, the one of the middle two that is further from zero. */
function median(offsets: number[]): number {
  offsets.sort((a, b) => a - b)
  const high = offsets[Math.floor(offsets.length / 2)] as number
  const low = offsets[Math.ceil(offsets.length / 2) - 1] as number
  return Math.abs(high) > Math.abs(low) ? high : low
}
