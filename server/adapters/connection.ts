import type { Socket } from 'node:net'
import { KvError } from '../../shared/errors.ts'
import { FrameParser, type FrameRules } from './frame.ts'

const KEEPALIVE_MS = 10_000

/** A socket and the frames that arrive on it, first for the handshake and then for the link. */
export class Connection {
  readonly socket: Socket
  readonly parser: FrameParser
  /** The other side has sent all that it will send. */
  onEnd: () => void = () => this.destroy('the peer closed the connection')
  /** Called once, before `destroy` returns where that is the cause. */
  onClosed: (why: string) => void = () => {}
  /** Whether anything was read since the flag was last cleared. */
  heard = false
  private closed = false
  private failure = 'the connection was closed'

  constructor(socket: Socket, rules: FrameRules) {
    this.socket = socket
    this.parser = new FrameParser(rules)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEPALIVE_MS)
    socket.on('data', (chunk: Buffer) => this.receive(chunk))
    socket.on('end', () => {
      if (!this.closed) this.onEnd()
    })
    socket.on('error', (error) => {
      this.failure = error.message
    })
    socket.on('close', () => this.destroy(this.failure))
  }

  destroy(why: string): void {
    if (this.closed) return
    this.closed = true
    this.parser.stop()
    this.socket.destroy()
    this.onClosed(why)
  }

  private receive(chunk: Buffer): void {
    this.heard = true
    try {
      this.parser.push(chunk)
    } catch (error) {
      if (!(error instanceof KvError)) throw error
      this.destroy(error.message)
    }
  }
}
