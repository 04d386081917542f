import { expect } from 'chai'
import fc from 'fast-check'
import { type Choosable, LinkSelection } from '../../../server/adapters/link-selection.ts'

class FakeLink implements Choosable {
  readonly session: { readonly process: string }
  readonly dialed: boolean
  silentSweeps = 0
  fate: 'open' | 'drained' | 'destroyed' = 'open'

  constructor(dialed: boolean, process = 'p1') {
    this.dialed = dialed
    this.session = { process }
  }

  drain(): void {
    this.fate = 'drained'
  }

  destroy(): void {
    this.fate = 'destroyed'
  }
}

const LOWER = true
const HIGHER = false

describe('LinkSelection', () => {
  it('uses the only link there is, whoever dialed it, and tells of it once', () => {
    for (const selfIsLower of [LOWER, HIGHER]) {
      for (const dialed of [true, false]) {
        const links = new LinkSelection<FakeLink>(selfIsLower)
        const link = new FakeLink(dialed)
        expect(links.add(link)).to.deep.equal(['connected'])
        expect(links.current).to.equal(link)
        expect(links.remove(link)).to.deep.equal(['disconnected'])
        expect(links.current).to.equal(undefined)
        expect(links.remove(link)).to.deep.equal([])
      }
    }
  })

  it('sends on the link that the lower id dialed, in whichever order the two come up', () => {
    for (const selfIsLower of [LOWER, HIGHER]) {
      for (const dialedFirst of [true, false]) {
        const links = new LinkSelection<FakeLink>(selfIsLower)
        const pair = [new FakeLink(dialedFirst), new FakeLink(!dialedFirst)]
        expect(pair.map((link) => links.add(link))).to.deep.equal([['connected'], []])
        expect(links.current?.dialed).to.equal(selfIsLower)
        expect(pair.map((link) => link.fate)).to.deep.equal(['open', 'open'])
      }
    }
  })

  it('lets the other run out, at the node that dialed it, once the peer is heard on the first', () => {
    const links = new LinkSelection<FakeLink>(HIGHER)
    const own = new FakeLink(true)
    const theirs = new FakeLink(false)
    links.add(own)
    links.add(theirs)
    theirs.silentSweeps = 1
    links.settle()
    expect(own.fate).to.equal('open')
    theirs.silentSweeps = 0
    links.settle()
    expect(own.fate).to.equal('drained')
    expect(links.current).to.equal(theirs)
    expect(links.remove(own)).to.deep.equal([])
  })

  it('gives up the link that counts once the peer is only heard on the other', () => {
    const links = new LinkSelection<FakeLink>(LOWER)
    const own = new FakeLink(true)
    const theirs = new FakeLink(false)
    links.add(own)
    links.add(theirs)
    own.silentSweeps = 2
    links.settle()
    expect(own.fate).to.equal('open')
    own.silentSweeps = 3
    links.settle()
    expect(own.fate).to.equal('destroyed')
    expect(links.remove(own)).to.deep.equal(['disconnected', 'connected'])
    expect(links.current).to.equal(theirs)
  })

  it('knows of another process while that is heard from', () => {
    const links = new LinkSelection<FakeLink>(LOWER)
    expect(links.heldAgainst('p1')).to.equal(false)
    const link = new FakeLink(false)
    links.add(link)
    expect([links.heldAgainst('p1'), links.heldAgainst('p2')]).to.deep.equal([false, true])
    link.silentSweeps = 1
    expect(links.heldAgainst('p2')).to.equal(true)
    link.silentSweeps = 2
    expect(links.heldAgainst('p2')).to.equal(false)
    link.silentSweeps = 0
    links.remove(link)
    expect(links.heldAgainst('p2')).to.equal(false)
  })

  it('drops the links of a former process, and tells that the link was lost between', () => {
    for (const selfIsLower of [LOWER, HIGHER]) {
      const links = new LinkSelection<FakeLink>(selfIsLower)
      const old = [new FakeLink(true), new FakeLink(false)]
      for (const link of old) links.add(link)
      const fresh = new FakeLink(false, 'p2')
      expect(links.add(fresh)).to.deep.equal(['disconnected', 'connected'])
      expect(old.map((link) => link.fate)).to.deep.equal(['destroyed', 'destroyed'])
      expect(links.current).to.equal(fresh)
    }
  })

  it('drops the link of a former dial of the same peer', () => {
    const links = new LinkSelection<FakeLink>(LOWER)
    const old = new FakeLink(false)
    const fresh = new FakeLink(false)
    links.add(old)
    expect(links.add(fresh)).to.deep.equal(['disconnected', 'connected'])
    expect(old.fate).to.equal('destroyed')
    expect(links.all()).to.deep.equal([fresh])
  })

  it('always tells transitions that alternate and end as the link does', () => {
    const step = fc.record({
      dialed: fc.boolean(),
      process: fc.constantFrom('p1', 'p2'),
      what: fc.constantFrom('add', 'add', 'remove', 'settle'),
      silent: fc.nat(4),
    })
    fc.assert(
      fc.property(fc.boolean(), fc.array(step), (selfIsLower, steps) => {
        const links = new LinkSelection<FakeLink>(selfIsLower)
        const told: string[] = []
        for (const { dialed, process, what, silent } of steps) {
          const [one] = links.all()
          if (what === 'add') told.push(...links.add(new FakeLink(dialed, process)))
          else if (one !== undefined && what === 'remove') told.push(...links.remove(one))
          else if (one !== undefined) {
            one.silentSweeps = silent
            links.settle()
          }
          // As the network does when a link is destroyed.
          for (const link of links.all()) if (link.fate === 'destroyed') told.push(...links.remove(link))
          expect(links.current !== undefined).to.equal(told.at(-1) === 'connected')
          expect(links.all().length > 0).to.equal(links.current !== undefined)
          expect(links.current?.fate ?? 'open').to.equal('open')
        }
        for (const [i, state] of told.entries()) {
          expect(state).to.equal(i % 2 === 0 ? 'connected' : 'disconnected')
        }
      }),
    )
  })
})
