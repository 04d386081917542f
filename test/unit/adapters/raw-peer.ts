import { connect, type Socket } from 'node:net'
import { FrameParser, frameOf } from '../../../server/adapters/frame.ts'
import { DialerHandshake, linkKey, type Session } from '../../../server/adapters/handshake.ts'
import type { Address } from '../../../server/ports/network.ts'

export const SECRET = Buffer.from('shared by all')
export const CLUSTER = 'test'

/** A socket that may do what no honest peer does. */
export class RawSocket {
  readonly socket: Socket
  closed = false

  constructor({ host, port }: Address) {
    this.socket = connect(port, host)
    this.socket.setNoDelay(true)
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.closed = true
    })
    // Unread data would keep the end of the stream from being noticed.
    this.socket.on('data', () => {})
  }
}

/** One that has authenticated itself, and does what it likes from then on. */
export class RawPeer extends RawSocket {
  readonly frames: Buffer[] = []
  session: Session | undefined

  constructor(address: Address, id: string, to: string, processId = 1) {
    super(address)
    const self = { cluster: CLUSTER, id, incarnation: '1', process: Buffer.alloc(8, processId) }
    const handshake = new DialerHandshake(linkKey(SECRET), self, to, Buffer.alloc(32, processId))
    const parser = new FrameParser({ maxBytes: 1 << 20, seed: 0 })
    parser.onFrame = (frame) => {
      if (this.session !== undefined) {
        this.frames.push(frame)
        return
      }
      const { reply, session } = handshake.next(frame)
      if (reply !== undefined) this.socket.write(frameOf(reply, 0))
      this.session = session
      if (session !== undefined) parser.setRules({ maxBytes: 1 << 20, seed: session.receiveSeed })
    }
    this.socket.on('data', (chunk: Buffer) => parser.push(chunk))
    this.socket.write(frameOf(handshake.opening, 0))
  }

  send(payload: Buffer): void {
    this.socket.write(frameOf(payload, this.session?.sendSeed ?? 0))
  }
}
