import { expect } from 'chai'
import { checkIdentity, type Identity } from '../../../server/adapters/greeting.ts'
import {
  AcceptorHandshake,
  DialerHandshake,
  linkKey,
  type Session,
} from '../../../server/adapters/handshake.ts'
import { KvError } from '../../../shared/errors.ts'

const KEY = linkKey(Buffer.from('the secret'))
const WRONG_KEY = linkKey(Buffer.from('another secret'))

const identity = (id: string, cluster = 'test'): Identity => ({
  cluster,
  id,
  incarnation: `${id}-1`,
  process: Buffer.alloc(8, id),
})
const nonce = (fill: number) => Buffer.alloc(32, fill)

const dialer = (key = KEY, self = identity('a'), expected = 'b', fill = 1) =>
  new DialerHandshake(key, self, expected, nonce(fill))
const acceptor = (key = KEY, self = identity('b'), fill = 2) =>
  new AcceptorHandshake(key, self, nonce(fill), () => false)

/** The dialer's proof and all before it. */
function upToProof(from: DialerHandshake, to: AcceptorHandshake): { challenge: Buffer; proof: Buffer } {
  const challenge = to.next(from.opening).reply as Buffer
  return { challenge, proof: from.next(challenge).reply as Buffer }
}

/** The whole exchange. */
function complete(from: DialerHandshake, to: AcceptorHandshake) {
  const { challenge, proof } = upToProof(from, to)
  const { reply, session } = to.next(proof)
  const last = reply as Buffer
  return {
    acceptor: session as Session,
    dialer: from.next(last).session as Session,
    frames: [from.opening, challenge, proof, last] as const,
  }
}

const refusal = (fn: () => unknown, why: string) =>
  expect(fn).to.throw(KvError, why).with.property('code', 'unauthorized')

describe('the handshake', () => {
  it('tells each side who the other is, after a last frame of the acceptor', () => {
    const from = dialer()
    const to = acceptor()
    const { proof } = upToProof(from, to)
    const last = to.next(proof)
    expect(last.session).to.include({ id: 'a', incarnation: 'a-1' })
    expect(from.next(last.reply as Buffer).session).to.include({ id: 'b', incarnation: 'b-1' })
  })

  it('gives each direction of each connection its own checksum seed, the same on both sides', () => {
    const one = complete(dialer(), acceptor())
    expect(one.dialer.sendSeed).to.equal(one.acceptor.receiveSeed)
    expect(one.dialer.receiveSeed).to.equal(one.acceptor.sendSeed)
    expect(one.dialer.sendSeed).not.to.equal(one.dialer.receiveSeed)
    const other = complete(dialer(KEY, identity('a'), 'b', 3), acceptor())
    expect(other.dialer.sendSeed).not.to.equal(one.dialer.sendSeed)
  })

  it('shows the secret and its key to nobody', () => {
    const { frames } = complete(dialer(), acceptor())
    const wire = Buffer.concat(frames)
    expect(wire.includes('the secret')).to.equal(false)
    expect(wire.includes(KEY)).to.equal(false)
  })

  it('refuses a dialer with another secret', () => {
    const to = acceptor()
    const { proof } = upToProof(dialer(WRONG_KEY), to)
    refusal(() => to.next(proof), 'secret')
  })

  it('refuses an acceptor with another secret, which must not have proved anything to it', () => {
    const from = dialer()
    const impostor = acceptor(WRONG_KEY)
    upToProof(from, impostor)
    refusal(() => from.next(Buffer.alloc(32)), 'secret')
    // What an acceptor sends last, made with the wrong key.
    const honest = complete(dialer(WRONG_KEY), acceptor(WRONG_KEY)).frames[3]
    refusal(() => from.next(honest), 'secret')
  })

  it('refuses its own proof and its own greeting when they are reflected', () => {
    const from = dialer()
    const { proof } = upToProof(from, acceptor())
    refusal(() => from.next(proof), 'secret')
    const fresh = dialer()
    refusal(() => fresh.next(fresh.opening), 'the id of this node')
    const to = acceptor()
    const challenge = to.next(dialer().opening).reply as Buffer
    refusal(() => to.next(challenge), 'secret')
  })

  it('tells a dialer that has proved itself, and nobody else, that its id is taken', () => {
    const taken = () => new AcceptorHandshake(KEY, identity('b'), nonce(2), ({ id }) => id === 'a')
    const from = dialer()
    const to = taken()
    const { proof } = upToProof(from, to)
    const { reply, session, refusal: told } = to.next(proof)
    expect(session).to.equal(undefined)
    expect(told?.code).to.equal('conflict')
    const last = from.next(reply as Buffer)
    expect(last.session).to.equal(undefined)
    expect(last.refusal?.message).to.equal('another node with the id a is in the ring already')
    expect(last.refusal?.hint).to.contain('--data directory of its own')
    refusal(() => complete(dialer(WRONG_KEY), taken()), 'the peer does not know the cluster secret')
    refusal(() => dialer(KEY, identity('a'), 'b', 9).next(reply as Buffer), 'not a kvring peer')
    const elsewhere = dialer(KEY, identity('a'), 'b', 9)
    upToProof(elsewhere, taken())
    refusal(() => elsewhere.next(reply as Buffer), 'the peer does not know the cluster secret')
  })

  it('refuses a whole handshake that is replayed', () => {
    const { frames } = complete(dialer(), acceptor())
    const [hello, challenge, proof, last] = frames
    const to = acceptor(KEY, identity('b'), 3)
    to.next(hello)
    refusal(() => to.next(proof), 'secret')
    const from = dialer(KEY, identity('a'), 'b', 3)
    from.next(challenge)
    refusal(() => from.next(last), 'secret')
  })

  it('refuses the proof of one node for the name of another', () => {
    const to = acceptor()
    const hello = dialer().opening
    const forged = Buffer.from(hello)
    forged[forged.indexOf('a-1')] = 'c'.charCodeAt(0)
    to.next(forged)
    const { proof } = upToProof(dialer(), acceptor())
    refusal(() => to.next(proof), 'secret')
  })

  it('refuses another cluster, this node itself, and whoever answers for another', () => {
    refusal(() => acceptor().next(dialer(KEY, identity('a', 'other')).opening), 'another cluster')
    refusal(() => acceptor().next(dialer(KEY, identity('b')).opening), 'the id of this node')
    refusal(() => upToProof(dialer(KEY, identity('a'), 'c'), acceptor()), 'at the address of c')
  })

  it('refuses garbage at every step', () => {
    const hello = dialer().opening
    for (let size = 0; size < hello.length; size++)
      refusal(() => acceptor().next(hello.subarray(0, size)), '')
    refusal(() => acceptor().next(Buffer.concat([hello, Buffer.alloc(1)])), 'malformed')
    refusal(() => acceptor().next(Buffer.from('GET / HTTP/1.1')), 'not a kvring peer')
    const version = Buffer.from(hello)
    version[5] = 9
    refusal(() => acceptor().next(version), 'version 9')
    for (const size of [0, 31, 33]) {
      const to = acceptor()
      to.next(hello)
      refusal(() => to.next(Buffer.alloc(size)), 'secret')
    }
  })

  it('does not depend on the memory of the frames it was given', () => {
    const from = dialer()
    const to = acceptor()
    const hello = Buffer.from(from.opening)
    const challenge = Buffer.from(to.next(hello).reply as Buffer)
    hello.fill(0)
    const proof = from.next(challenge).reply as Buffer
    challenge.fill(0)
    const last = to.next(proof)
    expect(from.next(last.reply as Buffer).session).to.include({ id: 'b' })
  })

  it('has no room for names that do not fit its frames', () => {
    expect(() => checkIdentity({ ...identity('a'), id: 'x'.repeat(128) })).not.to.throw()
    expect(() => checkIdentity({ ...identity('a'), id: 'x'.repeat(129) })).to.throw(KvError, '129 bytes')
    expect(() => checkIdentity({ ...identity('a'), id: '' })).to.throw(KvError, '0 bytes')
  })
})
