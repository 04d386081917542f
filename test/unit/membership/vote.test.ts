import { expect } from 'chai'
import { chooseFounders } from '../../../server/membership/bootstrap.ts'
import type { Layout } from '../../../server/membership/layout.ts'
import {
  decodeVote,
  encodeVote,
  fateOf,
  judge,
  type Proposal,
  type VoterState,
} from '../../../server/membership/vote.ts'

const member = (id: string) => ({ id, zone: '', weight: 1 })

function proposal(proposer: string, ids: string[], ringId = `ring-of-${proposer}`): Proposal {
  const quorums = { n: 2, r: 1, w: 2, conflicts: 'lww' as const }
  const layout: Layout = {
    version: 1,
    cluster: 'c',
    ringId,
    ...quorums,
    members: ids.map(member),
    former: [],
  }
  return { proposer, proposerIncarnation: `i-${proposer}`, layout }
}

const fromA = proposal('a', ['a', 'b', 'c'])
const fromB = proposal('b', ['b', 'c', 'd'])

function voter(self: string, change: Partial<VoterState> = {}): VoterState {
  const base = { self, cluster: 'c', incarnation: `i-${self}`, ringKnown: false }
  return { ...base, layout: undefined, vote: undefined, ...change }
}

describe('voting for the first layout', () => {
  it('gives its vote to the first proposal, and says so again when asked again', () => {
    expect(judge(voter('c'), 'a', fromA)).to.equal('vote')
    expect(judge(voter('c', { vote: fromA }), 'a', fromA)).to.equal('confirm')
  })

  it('gives it to no second one, of another proposer or of the same', () => {
    expect(judge(voter('c', { vote: fromB }), 'a', fromA)).to.equal('held')
    expect(judge(voter('c', { vote: fromA }), 'b', fromB)).to.equal('held')
    expect(judge(voter('c', { vote: fromA }), 'a', proposal('a', ['a', 'c'], 'second'))).to.equal('held')
  })

  it('does not take the word of a new data directory for that of the old one', () => {
    const other = { ...fromA, proposerIncarnation: 'restored' }
    expect(judge(voter('c', { vote: fromA }), 'a', other)).to.equal('held')
  })

  it('a proposer gives way to a lower id, and to no higher one', () => {
    expect(judge(voter('b', { vote: fromB }), 'a', fromA)).to.equal('vote')
    expect(judge(voter('a', { vote: fromA }), 'b', proposal('b', ['a', 'b']))).to.equal('held')
    const restored = { vote: { ...fromB, proposerIncarnation: 'restored' } }
    expect(judge(voter('b', restored), 'a', fromA)).to.equal('held')
  })

  it('answers with its layout when it has one', () => {
    expect(judge(voter('c', { layout: fromB.layout }), 'a', fromA)).to.equal('decided')
  })

  it('declines what concerns it not, what is forged, and every proposal once a ring is known', () => {
    expect(judge(voter('e'), 'a', fromA)).to.equal('declined')
    expect(judge(voter('c'), 'b', fromA)).to.equal('declined')
    expect(judge(voter('c', { cluster: 'other' }), 'a', fromA)).to.equal('declined')
    const second = { ...fromA, layout: { ...fromA.layout, version: 2 } }
    expect(judge(voter('c'), 'a', second)).to.equal('declined')
    expect(judge(voter('c', { ringKnown: true }), 'a', fromA)).to.equal('declined')
    expect(judge(voter('c', { ringKnown: true, vote: fromA }), 'a', fromA)).to.equal('confirm')
  })

  it('a proposal is open while its proposer holds it, decided by a layout, and withdrawn otherwise', () => {
    expect(fateOf(voter('b', { vote: fromB }), 'ring-of-b')).to.equal('open')
    expect(fateOf(voter('b', { vote: fromA }), 'ring-of-b')).to.equal('withdrawn')
    expect(fateOf(voter('b'), 'ring-of-b')).to.equal('withdrawn')
    expect(fateOf(voter('b', { layout: fromB.layout }), 'ring-of-b')).to.equal('decided')
  })

  it('a vote comes back from its bytes, and nothing else does', () => {
    const bytes = encodeVote(fromA)
    expect(decodeVote(bytes)).to.deep.equal(fromA)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeVote(bytes.subarray(0, length))).to.throw(RangeError)
    }
  })

  it('the lowest of enough nodes chooses the lowest ids', () => {
    const others = ['d', 'b', 'c'].map(member)
    expect(chooseFounders(member('a'), others, 3)?.map(({ id }) => id)).to.deep.equal(['a', 'b', 'c'])
    expect(chooseFounders(member('c'), others.slice(0, 1), 2)?.map(({ id }) => id)).to.deep.equal(['c', 'd'])
    expect(chooseFounders(member('e'), others, 3)).to.equal(undefined)
    expect(chooseFounders(member('a'), others, 5)).to.equal(undefined)
  })
})
