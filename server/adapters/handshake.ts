import { createHmac, timingSafeEqual } from 'node:crypto'
import { KvError } from '../../shared/errors.ts'
import type { NodeId } from '../ports/network.ts'
import { type Greeting, type Identity, readGreeting, refused, writeGreeting } from './greeting.ts'

const PROOF_BYTES = 32

/** What both sides know once they trust each other. */
export interface Session extends Greeting {
  /** Where the checksums of the frames of each direction start from. */
  readonly sendSeed: number
  readonly receiveSeed: number
}

/** The key of this protocol, so that no other use of the secret can be mistaken for it. */
export function linkKey(secret: Buffer): Buffer {
  return createHmac('sha256', secret).update('kvring peer link').digest()
}

/**
 * Mutual authentication by the cluster secret: challenge and response with HMAC-SHA256.
 *
 *     dialer    -> hello      magic, version, cluster, id, incarnation, process, nonce
 *     acceptor  -> challenge  the same of its own
 *     dialer    -> proof      HMAC(key, "dialer", hello, challenge)
 *     acceptor  -> proof      HMAC(key, "acceptor", hello, challenge), or with "duplicate" in its place where it
 *                             is in touch with another node of the dialer's id, and will not have this one
 *
 * Both proofs cover both greetings, so both nonces, ids and incarnations, and are told apart by their label,
 * so none can be replayed or reflected. The dialer proves itself first: whoever only knocks gets nothing
 * that a secret could be guessed from. Frames are not encrypted afterwards; a network that others can write
 * to or read needs TLS underneath.
 */
export interface Handshake {
  /** What this side says unasked. */
  readonly opening: Buffer | undefined
  /**
   * Takes the next frame of the other side. Once there is a session, the peer is who it says it is.
   * @throws KvError `unauthorized`: the connection must then be dropped.
   */
  next(frame: Buffer): Step
}

export interface Step {
  readonly reply?: Buffer
  readonly session?: Session
  /** Why the connection ends once the reply is out. */
  readonly refusal?: KvError
}

export class DialerHandshake implements Handshake {
  private readonly key: Buffer
  private readonly self: Identity
  private readonly expected: NodeId
  readonly opening: Buffer
  private challenge: { readonly frame: Buffer; readonly greeting: Greeting } | undefined

  /** `expected` is the peer that listens where this side has dialed. */
  constructor(key: Buffer, self: Identity, expected: NodeId, nonce: Buffer) {
    this.key = key
    this.self = self
    this.expected = expected
    this.opening = writeGreeting(self, nonce)
  }

  next(frame: Buffer): Step {
    if (this.challenge === undefined) {
      const greeting = readGreeting(frame, this.self)
      if (greeting.id !== this.expected) {
        throw refused(`${greeting.id} answered at the address of ${this.expected}`)
      }
      this.challenge = { frame: Buffer.from(frame), greeting }
      return { reply: transcript(this.key, 'dialer', this.opening, this.challenge.frame) }
    }
    const { greeting } = this.challenge
    if (proves(frame, transcript(this.key, 'duplicate', this.opening, this.challenge.frame)))
      return { refusal: duplicate(this.self.id) }
    checkProof(frame, transcript(this.key, 'acceptor', this.opening, this.challenge.frame))
    const seeds = drawSeeds(this.key, this.opening, this.challenge.frame)
    return { session: { ...greeting, sendSeed: seeds.dialer, receiveSeed: seeds.acceptor } }
  }
}

export class AcceptorHandshake implements Handshake {
  private readonly key: Buffer
  private readonly self: Identity
  readonly opening = undefined
  private readonly challenge: Buffer
  private readonly isTaken: (greeting: Greeting) => boolean
  private hello: { readonly frame: Buffer; readonly greeting: Greeting } | undefined

  /** `isTaken` tells whether another node with the id of the one that has proved itself is there. */
  constructor(key: Buffer, self: Identity, nonce: Buffer, isTaken: (greeting: Greeting) => boolean) {
    this.key = key
    this.self = self
    this.isTaken = isTaken
    this.challenge = writeGreeting(self, nonce)
  }

  next(frame: Buffer): Step {
    if (this.hello === undefined) {
      this.hello = { frame: Buffer.from(frame), greeting: readGreeting(frame, this.self) }
      return { reply: this.challenge }
    }
    const { greeting } = this.hello
    checkProof(frame, transcript(this.key, 'dialer', this.hello.frame, this.challenge))
    if (this.isTaken(greeting)) {
      const reply = transcript(this.key, 'duplicate', this.hello.frame, this.challenge)
      return { reply, refusal: duplicate(greeting.id) }
    }
    const seeds = drawSeeds(this.key, this.hello.frame, this.challenge)
    return {
      reply: transcript(this.key, 'acceptor', this.hello.frame, this.challenge),
      session: { ...greeting, sendSeed: seeds.acceptor, receiveSeed: seeds.dialer },
    }
  }
}

function transcript(key: Buffer, label: string, hello: Buffer, challenge: Buffer): Buffer {
  const sizes = Buffer.alloc(8)
  sizes.writeUInt32BE(hello.length, 0)
  sizes.writeUInt32BE(challenge.length, 4)
  return createHmac('sha256', key).update(label).update(sizes).update(hello).update(challenge).digest()
}

function proves(proof: Buffer, expected: Buffer): boolean {
  return proof.length === PROOF_BYTES && timingSafeEqual(proof, expected)
}

function checkProof(proof: Buffer, expected: Buffer): void {
  if (!proves(proof, expected)) throw refused('the peer does not know the cluster secret')
}

/** What a second node with one id is told. */
export function duplicate(id: NodeId): KvError {
  return new KvError(
    'conflict',
    `another node with the id ${id} is in the ring already`,
    'stop one of the two; a node that is to join beside it needs an id and an empty --data directory of its own',
  )
}

function drawSeeds(key: Buffer, hello: Buffer, challenge: Buffer): { dialer: number; acceptor: number } {
  const seeds = transcript(key, 'checksum seeds', hello, challenge)
  return { dialer: seeds.readUInt32BE(0), acceptor: seeds.readUInt32BE(4) }
}
