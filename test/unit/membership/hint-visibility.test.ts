import { expect } from 'chai'
import { HintVisibility, STALE_REPORT_MS } from '../../../server/membership/hint-visibility.ts'

const PEERS = ['n2', 'n3', 'n4', 'n5']

/** Node n1 of five. Every round, the peers within reach report. */
class Subject {
  readonly hints = new HintVisibility()
  now = 0
  readonly lost = new Set<string>()
  readonly hintsFor = new Map<string, string[]>()
  /** What a peer has against others, beyond what this node itself has lost. */
  readonly alsoUnreachable = new Map<string, string[]>()
  readonly stillReaches = new Map<string, string[]>()

  constructor() {
    this.hints.setMembers(PEERS, 0)
    for (const peer of PEERS) this.hints.setReachable(peer, true, 0)
    for (let round = 0; round < 20; round++) this.round()
  }

  round(): void {
    this.now += 250
    for (const peer of PEERS) {
      if (this.lost.has(peer)) continue
      const unreachable = new Set([...this.lost, ...(this.alsoUnreachable.get(peer) ?? [])])
      for (const reached of this.stillReaches.get(peer) ?? []) unreachable.delete(reached)
      this.hints.heard(peer, unreachable, this.hintsFor.get(peer) ?? [], this.now, this.now)
    }
  }

  lose(...peers: string[]): void {
    for (const peer of peers) {
      this.lost.add(peer)
      this.hints.setReachable(peer, false, this.now)
    }
  }

  find(...peers: string[]): void {
    for (const peer of peers) {
      this.lost.delete(peer)
      this.hints.setReachable(peer, true, this.now)
    }
  }

  elsewhere(owner: string): boolean {
    return this.hints.mayBeElsewhere(owner, this.now)
  }
}

describe('hint visibility', () => {
  it('sees all while everyone is within reach', () => {
    const subject = new Subject()
    for (const owner of ['n1', ...PEERS]) expect(subject.elsewhere(owner)).to.equal(false)
  })

  it('names the holders within reach, as they reported last', () => {
    const subject = new Subject()
    subject.hintsFor.set('n3', ['n2', 'n4'])
    subject.hintsFor.set('n5', ['n2'])
    subject.round()
    expect(subject.hints.holders('n2')).to.have.members(['n3', 'n5'])
    expect(subject.hints.holders('n4')).to.deep.equal(['n3'])
    expect(subject.hints.holders('n1')).to.deep.equal([])
    subject.lose('n3')
    expect(subject.hints.holders('n4')).to.deep.equal([])
    subject.hintsFor.set('n5', [])
    subject.round()
    expect(subject.hints.holders('n2')).to.deep.equal([])
  })

  it('doubts everything that a node may hold which was never heard since the start', () => {
    const hints = new HintVisibility()
    hints.setMembers(['n2', 'n3'], 0)
    hints.setReachable('n2', true, 0)
    hints.heard('n2', new Set(['n3']), [], 100, 100)
    expect(hints.mayBeElsewhere('n2', 100)).to.equal(true)
    hints.setReachable('n3', true, 200)
    expect(hints.mayBeElsewhere('n2', 200)).to.equal(true)
    hints.heard('n3', new Set(), [], 210, 210)
    expect(hints.mayBeElsewhere('n2', 210)).to.equal(false)
  })

  it('doubts what a node in reach may hold until it has reported', () => {
    const hints = new HintVisibility()
    hints.setMembers(['n2', 'n3'], 0)
    for (const peer of ['n2', 'n3']) hints.setReachable(peer, true, 0)
    hints.heard('n3', new Set(), [], 10, 10)
    expect(hints.mayBeElsewhere('n3', 10)).to.equal(true)
    hints.heard('n2', new Set(), undefined, 20, 20)
    expect(hints.mayBeElsewhere('n3', 20)).to.equal(true)
    hints.heard('n2', new Set(), [], 30, 30)
    expect(hints.mayBeElsewhere('n3', 30)).to.equal(false)
  })

  it('doubts what a node in reach may hold that has been silent for a while, as after a stall of this process', () => {
    const subject = new Subject()
    subject.now += STALE_REPORT_MS
    expect(subject.elsewhere('n2')).to.equal(false)
    subject.now += 1
    expect(subject.elsewhere('n2')).to.equal(true)
    for (const peer of ['n2', 'n3', 'n4']) subject.hints.heard(peer, new Set(), [], subject.now, subject.now)
    expect(subject.elsewhere('n2')).to.equal(true)
    // Nobody keeps hints for itself.
    expect(subject.elsewhere('n5')).to.equal(false)
    subject.hints.heard('n5', new Set(), [], subject.now, subject.now)
    expect(subject.elsewhere('n2')).to.equal(false)
  })

  it('counts a report from when it was asked for, and one that came unasked not at all: it may be old', () => {
    const subject = new Subject()
    subject.now += 5000
    for (const peer of PEERS) subject.hints.heard(peer, new Set(), [], subject.now)
    expect(subject.elsewhere('n2')).to.equal(true)
    for (const peer of PEERS) subject.hints.heard(peer, new Set(), [], subject.now, subject.now - 5000)
    expect(subject.elsewhere('n2')).to.equal(true)
    for (const peer of PEERS) subject.hints.heard(peer, new Set(), [], subject.now, subject.now - 1)
    expect(subject.elsewhere('n2')).to.equal(false)
    subject.hints.heard('n3', new Set(), ['n2'], subject.now)
    expect(subject.hints.holders('n2')).to.deep.equal(['n3'])
  })

  it('takes no view that was asked for before a loss, or came unasked, for one of after it', () => {
    const subject = new Subject()
    subject.now += 10
    subject.lose('n5')
    const hear = (askedMs?: number) => {
      for (const peer of ['n2', 'n3', 'n4'])
        subject.hints.heard(peer, new Set(['n5']), [], subject.now + 10, askedMs)
    }
    hear()
    expect(subject.elsewhere('n2')).to.equal(true)
    hear(subject.now - 1)
    expect(subject.elsewhere('n2')).to.equal(true)
    hear(subject.now)
    expect(subject.elsewhere('n2')).to.equal(false)
  })

  it('is not reassured by what a node out of reach said unasked: it may be from before it wrote with others', () => {
    const subject = new Subject()
    for (const peer of ['n2', 'n3', 'n4']) subject.stillReaches.set(peer, ['n5'])
    subject.lose('n5')
    for (let round = 0; round < 8; round++) subject.round()
    subject.stillReaches.clear()
    subject.round()
    subject.hints.heard('n5', new Set(), [], subject.now)
    expect(subject.elsewhere('n1')).to.equal(true)
  })

  it('a node that has not recovered its hints has not reported', () => {
    const hints = new HintVisibility()
    hints.setMembers(['n2', 'n3', 'n4'], 0)
    for (const peer of ['n2', 'n3', 'n4']) hints.setReachable(peer, true, 0)
    hints.heard('n3', new Set(), undefined, 5000, 5000)
    hints.setReachable('n3', false, 5000)
    for (const peer of ['n2', 'n4']) hints.heard(peer, new Set(['n3']), [], 5100, 5100)
    expect(hints.mayBeElsewhere('n2', 5100)).to.equal(true)
  })

  it('is sure of all owners after a single node has died alone, once everyone has lost it', () => {
    const subject = new Subject()
    subject.lose('n5')
    expect(subject.elsewhere('n2')).to.equal(true)
    subject.round()
    for (const owner of ['n1', 'n2', 'n3', 'n4', 'n5'])
      expect(subject.elsewhere(owner), owner).to.equal(false)
    for (let round = 0; round < 100; round++) subject.round()
    expect(subject.elsewhere('n2')).to.equal(false)
  })

  it('doubts the owners that the lost node named last, and no others', () => {
    const subject = new Subject()
    subject.hintsFor.set('n5', ['n2'])
    subject.round()
    subject.lose('n5')
    subject.round()
    expect(subject.elsewhere('n2')).to.equal(true)
    expect(subject.elsewhere('n3')).to.equal(false)
  })

  it('doubts when an owner was out of reach about when the holder was lost, or is since', () => {
    const subject = new Subject()
    subject.lose('n2')
    subject.round()
    subject.find('n2')
    subject.lose('n5')
    subject.round()
    expect(subject.elsewhere('n2')).to.equal(true)
    const later = new Subject()
    later.lose('n5')
    for (let round = 0; round < 10; round++) later.round()
    expect(later.elsewhere('n2')).to.equal(false)
    later.lose('n2')
    later.round()
    later.find('n2')
    for (let round = 0; round < 10; round++) later.round()
    expect(later.elsewhere('n2')).to.equal(true)
    later.find('n5')
    later.round()
    expect(later.elsewhere('n2')).to.equal(false)
  })

  it('doubts everything while two nodes are away together: they may write without this side', () => {
    const subject = new Subject()
    subject.lose('n4', 'n5')
    subject.round()
    for (const owner of ['n1', 'n2', 'n3']) expect(subject.elsewhere(owner)).to.equal(true)
    subject.find('n4')
    for (let round = 0; round < 10; round++) subject.round()
    expect(subject.elsewhere('n1')).to.equal(true)
    subject.find('n5')
    subject.round()
    expect(subject.elsewhere('n1')).to.equal(false)
  })

  it('doubts when only this node has lost it, and goes on doubting after it has really died', () => {
    const subject = new Subject()
    for (const peer of ['n2', 'n3', 'n4']) subject.stillReaches.set(peer, ['n5'])
    subject.lose('n5')
    for (let round = 0; round < 8; round++) subject.round()
    expect(subject.elsewhere('n1')).to.equal(true)
    subject.stillReaches.clear()
    for (let round = 0; round < 8; round++) subject.round()
    expect(subject.elsewhere('n1')).to.equal(true)
  })

  it('doubts when a peer has had trouble with another that this node has not seen', () => {
    const subject = new Subject()
    subject.alsoUnreachable.set('n3', ['n2'])
    subject.lose('n5')
    subject.round()
    subject.alsoUnreachable.clear()
    for (let round = 0; round < 8; round++) subject.round()
    expect(subject.elsewhere('n2')).to.equal(true)
  })

  it('doubts when a peer could not reach this node itself', () => {
    const subject = new Subject()
    subject.alsoUnreachable.set('n3', ['n1'])
    subject.lose('n5')
    subject.round()
    subject.alsoUnreachable.clear()
    for (let round = 0; round < 8; round++) subject.round()
    expect(subject.elsewhere('n1')).to.equal(true)
  })

  it('forgets who is no member any more', () => {
    const subject = new Subject()
    subject.hintsFor.set('n5', ['n2'])
    subject.round()
    subject.lose('n5')
    subject.hints.setMembers(['n2', 'n3', 'n4'], subject.now)
    expect(subject.elsewhere('n2')).to.equal(false)
  })
})
