import { KvError } from '../../shared/errors.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { NodeId } from '../ports/network.ts'

/** The longest frame of a connection that is not authenticated yet. */
export const HANDSHAKE_FRAME_BYTES = 512

const MAGIC = 0x6b76_7231
const VERSION = 1
export const NONCE_BYTES = 32
export const PROCESS_BYTES = 8
const MAX_NAME_BYTES = 128

export interface Identity {
  readonly cluster: string
  readonly id: NodeId
  readonly incarnation: string
  /** Random bytes drawn when the process started: tells a restarted peer from one that dials again. */
  readonly process: Buffer
}

/** @throws KvError `usage` where a name does not fit a greeting. */
export function checkIdentity(identity: Identity): void {
  for (const [what, name] of [
    ['cluster name', identity.cluster],
    ['node id', identity.id],
    ['incarnation', identity.incarnation],
  ] as const) {
    const bytes = Buffer.byteLength(name)
    if (bytes > 0 && bytes <= MAX_NAME_BYTES) continue
    throw new KvError('usage', `the ${what} has ${bytes} bytes`, `give it 1 to ${MAX_NAME_BYTES} bytes`)
  }
}

/** What a peer says of itself; not to be believed before its proof. */
export interface Greeting {
  readonly id: NodeId
  readonly incarnation: string
  readonly process: string
}

export function writeGreeting(identity: Identity, nonce: Buffer): Buffer {
  return new ByteWriter(HANDSHAKE_FRAME_BYTES)
    .u32(MAGIC)
    .u16(VERSION)
    .text(identity.cluster)
    .text(identity.id)
    .text(identity.incarnation)
    .raw(identity.process)
    .raw(nonce)
    .finish()
}

/** @throws KvError `unauthorized` for one that no peer of this node would send. */
export function readGreeting(frame: Buffer, self: Identity): Greeting {
  try {
    const reader = new ByteReader(frame)
    if (reader.u32() !== MAGIC) throw refused('not a kvring peer')
    const version = reader.u16()
    if (version !== VERSION)
      throw refused(`the peer speaks version ${version} of the protocol, not ${VERSION}`)
    const cluster = reader.text()
    if (cluster !== self.cluster) throw refused('the peer belongs to another cluster')
    const id = reader.text()
    if (id === self.id) throw refused(`the peer has the id of this node: ${id}`)
    const incarnation = reader.text()
    if (id.length === 0) throw refused('the peer has no id')
    if (reader.remaining !== PROCESS_BYTES + NONCE_BYTES) throw refused('a malformed greeting')
    const process = frame.toString('hex', frame.length - reader.remaining, frame.length - NONCE_BYTES)
    return { id, incarnation, process }
  } catch (error) {
    throw error instanceof KvError ? error : refused('a malformed greeting')
  }
}

export function refused(why: string): KvError {
  return new KvError('unauthorized', why, 'check cluster name, cluster secret and addresses of both nodes')
}
