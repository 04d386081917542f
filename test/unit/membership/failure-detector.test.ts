import { expect } from 'chai'
import { FailureDetector, type Liveness } from '../../../server/membership/failure-detector.ts'

/** The detector of n1, which hears n2 and n3 every 250 ms unless told otherwise. */
class Subject {
  now = 0
  readonly changes: string[] = []
  readonly detector = new FailureDetector((id, liveness, reachable) => {
    this.changes.push(`${id} ${liveness} ${reachable}`)
  })
  readonly silent = new Set<string>()
  /** What n3 says of the others. */
  accusations: string[] = []

  constructor() {
    for (const id of ['n2', 'n3']) {
      this.detector.watch(id, 0)
      this.detector.linked(id, 0)
    }
    this.pass(1000)
    this.changes.length = 0
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 250
      this.detector.tick(this.now)
      for (const id of ['n2', 'n3']) {
        if (this.silent.has(id)) continue
        this.detector.answered(id, this.now)
        if (id === 'n3') this.detector.accused('n3', this.accusations, this.now)
      }
    }
  }

  state(id = 'n2'): Liveness | undefined {
    return this.detector.liveness(id)
  }
}

describe('failure detector', () => {
  it('holds a peer for suspect and unreachable until it answers', () => {
    const detector = new FailureDetector(() => undefined)
    detector.watch('n2', 0)
    expect(detector.liveness('n2')).to.equal('suspect')
    detector.linked('n2', 10)
    expect(detector.reachable('n2')).to.equal(false)
    detector.answered('n2', 20)
    expect(detector.liveness('n2')).to.equal('up')
    expect(detector.reachable('n2')).to.equal(true)
  })

  it('does not accuse a peer that it has only begun to wait for', () => {
    const detector = new FailureDetector(() => undefined)
    detector.watch('n2', 0)
    detector.tick(250)
    expect(detector.accuses('n2', 250)).to.equal(false)
    expect(detector.accuses('n2', 1500)).to.equal(true)
  })

  it('suspects after six heartbeats without an answer, and not before', () => {
    const subject = new Subject()
    subject.silent.add('n2')
    subject.pass(1250)
    expect(subject.state()).to.equal('up')
    expect(subject.detector.reachable('n2')).to.equal(true)
    subject.pass(250)
    expect(subject.state()).to.equal('suspect')
    expect(subject.detector.reachable('n2')).to.equal(false)
  })

  it('takes a peer out of reach when its link is lost, at once, and suspects it after two heartbeats', () => {
    const subject = new Subject()
    subject.silent.add('n2')
    subject.detector.unlinked('n2', subject.now)
    expect(subject.detector.reachable('n2')).to.equal(false)
    expect(subject.state()).to.equal('up')
    subject.pass(500)
    expect(subject.state()).to.equal('suspect')
  })

  it('never declares a node down alone', () => {
    const subject = new Subject()
    subject.silent.add('n2')
    subject.detector.unlinked('n2', subject.now)
    subject.pass(3_600_000)
    expect(subject.state()).to.equal('suspect')
  })

  it('declares it down when a reachable peer confirms', () => {
    const subject = new Subject()
    subject.silent.add('n2')
    subject.accusations = ['n2']
    subject.pass(1250)
    expect(subject.state()).to.equal('up')
    subject.pass(500)
    expect(subject.state()).to.equal('down')
  })

  it('does not take the word of a peer that it cannot reach, nor an old word', () => {
    const subject = new Subject()
    subject.accusations = ['n2']
    subject.pass(250)
    subject.silent.add('n2')
    subject.silent.add('n3')
    subject.detector.unlinked('n3', subject.now)
    subject.pass(10_000)
    expect(subject.state()).to.equal('suspect')
    const late = new Subject()
    late.detector.accused('n3', ['n2'], late.now)
    late.silent.add('n2')
    late.pass(2000)
    expect(late.state()).to.equal('suspect')
  })

  it('does not take a node’s word against itself, nor against who answers', () => {
    const subject = new Subject()
    subject.accusations = ['n2', 'n3']
    subject.pass(5000)
    expect(subject.state('n2')).to.equal('up')
    expect(subject.state('n3')).to.equal('up')
    expect(subject.changes).to.deep.equal([])
  })

  it('keeps everybody at suspect on a node that is cut off alone', () => {
    const subject = new Subject()
    for (const id of ['n2', 'n3']) {
      subject.silent.add(id)
      subject.detector.unlinked(id, subject.now)
    }
    subject.pass(60_000)
    expect([subject.state('n2'), subject.state('n3')]).to.deep.equal(['suspect', 'suspect'])
  })

  it('finds a node up with its first answer over a new link', () => {
    const subject = new Subject()
    subject.silent.add('n2')
    subject.accusations = ['n2']
    subject.detector.unlinked('n2', subject.now)
    subject.pass(5000)
    expect(subject.state()).to.equal('down')
    subject.detector.linked('n2', subject.now)
    expect(subject.detector.reachable('n2')).to.equal(false)
    subject.detector.answered('n2', subject.now + 1)
    expect(subject.state()).to.equal('up')
    expect(subject.detector.reachable('n2')).to.equal(true)
  })

  it('ignores an answer that comes after the link has been lost', () => {
    const subject = new Subject()
    subject.detector.unlinked('n2', subject.now)
    subject.detector.answered('n2', subject.now)
    expect(subject.detector.reachable('n2')).to.equal(false)
  })

  it('takes a peer that refuses this node out of reach', () => {
    const subject = new Subject()
    subject.silent.add('n2')
    subject.detector.refused('n2', 'of another ring', subject.now)
    expect(subject.detector.reachable('n2')).to.equal(false)
  })

  it('says why most of the peers refuse this node, as long as they do', () => {
    const subject = new Subject()
    for (const id of ['n2', 'n3']) subject.silent.add(id)
    subject.detector.refused('n2', 'of another ring', subject.now)
    expect(subject.detector.refusal()).to.equal(undefined)
    subject.detector.refused('n3', 'of another ring', subject.now)
    expect(subject.detector.refusal()).to.equal('of another ring')
    subject.detector.answered('n3', subject.now)
    expect(subject.detector.refusal()).to.equal(undefined)
    subject.detector.refused('n3', 'of another ring', subject.now)
    subject.detector.unlinked('n2', subject.now)
    expect(subject.detector.refusal()).to.equal(undefined)
  })

  it('accuses nobody after a pause of its own, however long', () => {
    for (const pause of [1000, 10_000, 3_600_000]) {
      const subject = new Subject()
      subject.accusations = ['n2', 'n3']
      subject.now += pause
      expect(subject.detector.tick(subject.now), 'how late it was').to.equal(pause - 250)
      expect(subject.state('n2')).to.equal('up')
      expect(subject.state('n3')).to.equal('up')
      subject.pass(1000)
      expect(subject.changes).to.deep.equal([])
    }
  })

  it('is slower to accuse for a while after a pause, and then as quick as before', () => {
    const subject = new Subject()
    subject.now += 5000
    subject.detector.tick(subject.now)
    subject.silent.add('n2')
    subject.pass(1750)
    expect(subject.state()).to.equal('up')
    subject.pass(1500)
    expect(subject.state()).to.equal('suspect')
    const healed = new Subject()
    healed.now += 5000
    healed.pass(5000)
    healed.silent.add('n2')
    healed.pass(1500)
    expect(healed.state()).to.equal('suspect')
  })

  it('finds a dead node even when it stalls itself again and again', () => {
    const subject = new Subject()
    subject.silent.add('n2')
    for (let stalls = 0; stalls < 200; stalls++) {
      subject.now += 2000
      subject.pass(250)
    }
    expect(subject.state()).to.equal('suspect')
  })

  it('reports no more than it must of a node that goes up and down 200 times, and uses it again when stable', () => {
    const subject = new Subject()
    for (let flaps = 0; flaps < 200; flaps++) {
      subject.detector.unlinked('n2', subject.now)
      subject.silent.add('n2')
      subject.pass(2000)
      subject.detector.linked('n2', subject.now)
      subject.silent.delete('n2')
      subject.pass(2000)
    }
    const reached = subject.changes.filter((change) => change === 'n2 up true').length
    expect(reached).to.be.within(3, 120)
    subject.pass(5250)
    expect(subject.detector.reachable('n2')).to.equal(true)
  })

  it('remembers nothing of a peer that is not watched any more', () => {
    const subject = new Subject()
    subject.detector.unwatch('n2')
    subject.detector.answered('n2', subject.now)
    expect(subject.state()).to.equal(undefined)
    expect(subject.detector.reachable('n2')).to.equal(false)
  })
})
