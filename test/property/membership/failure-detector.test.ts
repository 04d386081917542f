import { expect } from 'chai'
import fc from 'fast-check'
import {
  FailureDetector,
  HEARTBEAT_INTERVAL_MS,
  SUSPECT_AFTER_MS,
} from '../../../server/membership/failure-detector.ts'

const NODES = ['n1', 'n2', 'n3', 'n4', 'n5']

/** What happens to one pair of nodes, or to one node, during one heartbeat. */
type Mishap =
  | { readonly kind: 'mute'; readonly a: number; readonly b: number }
  | { readonly kind: 'break'; readonly a: number; readonly b: number }
  | { readonly kind: 'mend'; readonly a: number; readonly b: number }
  | { readonly kind: 'stall'; readonly a: number; readonly rounds: number }

const index = fc.nat(NODES.length - 1)
const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  fc.record({ kind: fc.constant('mute' as const), a: index, b: index }),
  fc.record({ kind: fc.constant('break' as const), a: index, b: index }),
  fc.record({ kind: fc.constant('mend' as const), a: index, b: index }),
  fc.record({ kind: fc.constant('stall' as const), a: index, rounds: fc.nat(12) }),
)

/** Five detectors that talk over links which mishaps mute or break. A dead node neither answers nor asks. */
class Group {
  now = 0
  readonly dead = new Set<string>()
  readonly muted = new Set<string>()
  readonly broken = new Set<string>()
  readonly stalledUntil = new Map<string, number>()
  readonly detectors = new Map(NODES.map((id) => [id, new FailureDetector(() => undefined)]))

  constructor() {
    for (const [id, detector] of this.detectors) {
      for (const peer of NODES) {
        if (peer === id) continue
        detector.watch(peer, 0)
        detector.linked(peer, 0)
      }
    }
    for (let round = 0; round < 4; round++) this.round()
  }

  runs(id: string): boolean {
    return !this.dead.has(id) && this.now >= (this.stalledUntil.get(id) ?? 0)
  }

  apply(change: Mishap): void {
    const a = NODES[change.a] as string
    if (change.kind === 'stall') {
      this.stalledUntil.set(a, this.now + change.rounds * HEARTBEAT_INTERVAL_MS)
      return
    }
    const b = NODES[change.b] as string
    if (a === b) return
    if (change.kind === 'mute') this.muted.add(pair(a, b))
    else if (change.kind === 'break') this.break(a, b)
    else this.mend(a, b)
  }

  kill(id: string): void {
    this.dead.add(id)
  }

  mendAll(): void {
    for (const a of NODES) for (const b of NODES) if (a < b) this.mend(a, b)
    this.stalledUntil.clear()
  }

  round(): void {
    this.now += HEARTBEAT_INTERVAL_MS
    for (const [id, detector] of this.detectors) if (this.runs(id)) detector.tick(this.now)
    for (const [id, detector] of this.detectors) {
      for (const peer of NODES) {
        const through = !this.muted.has(pair(id, peer)) && !this.broken.has(pair(id, peer))
        if (peer === id || !this.runs(id) || !this.runs(peer) || !through) continue
        detector.answered(peer, this.now)
        detector.accused(peer, this.accusations(peer), this.now)
      }
    }
  }

  accusations(id: string): string[] {
    return NODES.filter((peer) => peer !== id && this.detectors.get(id)?.accuses(peer, this.now) === true)
  }

  private break(a: string, b: string): void {
    this.broken.add(pair(a, b))
    this.detectors.get(a)?.unlinked(b, this.now)
    this.detectors.get(b)?.unlinked(a, this.now)
  }

  private mend(a: string, b: string): void {
    this.muted.delete(pair(a, b))
    if (!this.broken.delete(pair(a, b))) return
    this.detectors.get(a)?.linked(b, this.now)
    this.detectors.get(b)?.linked(a, this.now)
  }
}

const pair = (a: string, b: string) => (a < b ? `${a}-${b}` : `${b}-${a}`)

describe('failure detector, any history', () => {
  it('nobody is down for a node while at most one observer has anything against it', () => {
    // Mishaps strike only the links of n1, and n1 itself: the others always hear each other.
    const ofFirst = mishap.map((change) => (change.kind === 'stall' ? change : { ...change, a: 0 }))
    const history = fc.array(fc.option(ofFirst, { freq: 1 }), { maxLength: 60 })
    fc.assert(
      fc.property(history, (changes) => {
        const group = new Group()
        for (const change of changes) {
          if (change?.kind === 'stall' && change.a !== 0) continue
          if (change !== null) group.apply(change)
          group.round()
          for (const peer of NODES.slice(1)) {
            for (const [id, detector] of group.detectors) {
              if (id !== peer) expect(detector.liveness(peer), `${peer} for ${id}`).to.not.equal('down')
            }
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it('a node cut off from all the others never has one of them down, whatever happened before', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 8 }), (order) => {
        const group = new Group()
        for (const b of [...order, 1, 2, 3, 4]) {
          group.apply({ kind: 'break', a: 0, b })
          group.round()
        }
        for (let round = 0; round < 40; round++) group.round()
        for (const peer of NODES.slice(1))
          expect(group.detectors.get('n1')?.liveness(peer)).to.equal('suspect')
      }),
      { numRuns: 50 },
    )
  })

  it('a dead node is down for all the others soon after the mishaps end, and the living are up', () => {
    const history = fc.array(fc.option(mishap, { freq: 2 }), { maxLength: 40 })
    fc.assert(
      fc.property(history, index, (changes, victim) => {
        const group = new Group()
        const dead = NODES[victim] as string
        for (const change of changes) {
          if (change !== null) group.apply(change)
          group.round()
        }
        group.kill(dead)
        group.mendAll()
        // Eight heartbeats to recover from each stall of one's own, then the bound of the detector.
        const recovery = 4 * 8 * HEARTBEAT_INTERVAL_MS
        const end = group.now + recovery + SUSPECT_AFTER_MS + 2 * HEARTBEAT_INTERVAL_MS
        while (group.now < end) group.round()
        for (const [id, detector] of group.detectors) {
          if (id === dead) continue
          for (const peer of NODES) {
            if (peer !== id) expect(detector.liveness(peer)).to.equal(peer === dead ? 'down' : 'up')
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it('without stalls a dead node is down within 6 + 2 heartbeats, for all the others', () => {
    for (const dead of NODES) {
      const group = new Group()
      group.kill(dead)
      const end = group.now + SUSPECT_AFTER_MS + 2 * HEARTBEAT_INTERVAL_MS
      while (group.now < end) group.round()
      for (const [id, detector] of group.detectors)
        if (id !== dead) expect(detector.liveness(dead)).to.equal('down')
    }
  })
})
