import type { Socket } from 'node:net'
import { KvError } from '../../shared/errors.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import { Connection } from './connection.ts'
import { frameOf } from './frame.ts'
import { HANDSHAKE_FRAME_BYTES } from './greeting.ts'
import type { Handshake, Session } from './handshake.ts'

export interface IntroductionComponents {
  readonly clock: Clock
  readonly socket: Socket
  readonly handshake: Handshake
}

/** Called once: with the connection and its session, or with why there is none. */
export type Introduced = (result: { connection: Connection; session: Session } | KvError) => void

/** Frames of the handshake are checked, but not yet with a seed that only the two sides know. */
const HANDSHAKE_RULES = { maxBytes: HANDSHAKE_FRAME_BYTES, seed: 0 }

/** Leads one connection through its handshake. */
export class Introduction {
  private readonly connection: Connection
  private readonly handshake: Handshake
  private readonly timer: Timer
  private readonly settled: Introduced
  private replies = 0
  private refusal: KvError | undefined

  constructor(components: IntroductionComponents, timeoutMs: number, settled: Introduced) {
    const { clock, socket, handshake } = components
    this.handshake = handshake
    this.settled = settled
    this.connection = new Connection(socket, HANDSHAKE_RULES)
    this.connection.parser.onFrame = (frame) => this.step(frame)
    this.connection.onClosed = (why) => this.fail(why)
    this.timer = clock.after(timeoutMs, () => this.abort(`no handshake within ${timeoutMs} ms`))
    const { opening } = handshake
    if (opening !== undefined) socket.once('connect', () => this.write(opening))
  }

  abort(why: string): void {
    this.connection.destroy(why)
  }

  private step(frame: Buffer): void {
    const { reply, session, refusal } = this.handshake.next(frame)
    if (reply !== undefined) this.write(reply)
    if (refusal !== undefined) {
      this.refusal = refusal
      // The reply still goes out; the other side closes, too.
      this.connection.socket.end()
    }
    if (session === undefined) return
    this.timer.cancel()
    // From here on the connection is not this introduction's any more.
    this.connection.onClosed = () => {}
    this.settled({ connection: this.connection, session })
  }

  private write(payload: Buffer): void {
    this.replies++
    this.connection.socket.write(frameOf(payload, HANDSHAKE_RULES.seed))
  }

  private fail(why: string): void {
    this.timer.cancel()
    if (this.refusal !== undefined) return this.settled(this.refusal)
    // A peer that refuses says nothing, so the moment at which it hung up has to tell why.
    const hint =
      this.handshake.opening === undefined || this.replies === 0
        ? ''
        : this.replies === 1
          ? 'the peer may belong to another cluster'
          : 'the cluster secrets may differ'
    this.settled(new KvError('unauthorized', why, hint))
  }
}
