import type { NodeId } from '../ports/network.ts'
import type { Connection } from './connection.ts'
import type { FlushTick } from './flush-tick.ts'
import type { Session } from './handshake.ts'
import { Outbox } from './outbox.ts'

export interface LinkSettings {
  readonly maxFrameBytes: number
  /** What may wait to be sent on one link; over it, `send` refuses. */
  readonly maxQueuedBytes: number
  /** All that follow are counted in sweeps, so a process that was paused does not blame its peers for it. */
  readonly keepaliveSweeps: number
  readonly idleSweeps: number
  readonly stalledSweeps: number
}

export interface LinkComponents {
  readonly connection: Connection
  readonly tick: FlushTick
  readonly onMessage: (from: NodeId, message: Buffer) => void
}

/** So much in one tick is worth a write of its own. */
const EAGER_BYTES = 64 << 10

const EMPTY = Buffer.alloc(0)

/** An authenticated connection to a peer. Empty frames are keepalives; no message is empty. */
export class TcpLink {
  readonly session: Session
  /** Whether this node opened the connection. */
  readonly dialed: boolean
  /** Called once, when the link has become of no use without `drain`. */
  onDown: (why: string) => void = () => {}
  /** Called once, when the connection is gone. */
  onGone: () => void = () => {}
  /** Sweeps since anything was heard. */
  silentSweeps = 0
  private readonly connection: Connection
  private readonly tick: FlushTick
  private readonly settings: LinkSettings
  private readonly outbox: Outbox
  private state: 'open' | 'draining' | 'closed' = 'open'
  private scheduled = false
  private writes = 0
  private writesAtSweep = 0
  private sweepsWithoutWrite = 0
  private readonly written = () => this.endWrite()

  constructor(components: LinkComponents, session: Session, dialed: boolean, settings: LinkSettings) {
    const { connection, tick, onMessage } = components
    this.session = session
    this.dialed = dialed
    this.connection = connection
    this.tick = tick
    this.settings = settings
    this.outbox = new Outbox({
      seed: session.sendSeed,
      maxMessageBytes: settings.maxFrameBytes,
      maxQueuedBytes: settings.maxQueuedBytes,
    })
    const { id } = session
    // What was heard so far was the handshake; the link itself is yet to be heard from.
    connection.heard = false
    connection.parser.setRules({ maxBytes: settings.maxFrameBytes, seed: session.receiveSeed })
    connection.parser.onFrame = (payload) => {
      if (payload.length > 0) onMessage(id, payload)
    }
    connection.onEnd = () => {
      const wasOpen = this.state === 'open'
      this.drain()
      if (wasOpen) this.onDown('the peer closed the connection')
    }
    connection.onClosed = (why) => {
      const wasOpen = this.state === 'open'
      this.state = 'closed'
      if (wasOpen) this.onDown(why)
      this.onGone()
    }
  }

  /** @returns false where the message is empty, too long, or finds no room in the queue. */
  send(message: Buffer): boolean {
    if (this.state !== 'open' || message.length === 0 || !this.outbox.append(message)) return false
    this.schedule()
    return true
  }

  get queuedBytes(): number {
    return this.outbox.queuedBytes
  }

  /** Takes no more messages, and closes once all that wait have gone out and the peer has closed, too. */
  drain(): void {
    if (this.state !== 'open') return
    this.state = 'draining'
    this.flush()
  }

  destroy(why: string): void {
    this.connection.destroy(why)
  }

  /** Writes what waits; called by the tick. */
  flush(): void {
    this.scheduled = false
    if (this.state === 'closed') return
    const { socket } = this.connection
    const chunks = this.outbox.beginWrite()
    if (chunks.length === 0) {
      if (this.state === 'draining' && this.outbox.queuedBytes === 0) socket.end()
      return
    }
    this.writes++
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (let i = 0; i < last; i++) socket.write(chunks[i] as Buffer)
    socket.write(chunks[last] as Buffer, this.written)
    if (last > 0) socket.uncork()
  }

  /** Called about once a second. */
  sweep(): void {
    this.silentSweeps = this.connection.heard ? 0 : this.silentSweeps + 1
    this.connection.heard = false
    this.sweepsWithoutWrite = this.writes === this.writesAtSweep ? this.sweepsWithoutWrite + 1 : 0
    this.writesAtSweep = this.writes
    const { idleSweeps, stalledSweeps, keepaliveSweeps } = this.settings
    if (this.silentSweeps >= idleSweeps) return this.destroy('nothing was heard for too long')
    if (this.outbox.isWriting) {
      if (this.sweepsWithoutWrite >= stalledSweeps) this.destroy('the peer does not read')
    } else if (this.sweepsWithoutWrite >= keepaliveSweeps && this.state === 'open') {
      this.outbox.append(EMPTY)
      this.schedule()
    }
  }

  private schedule(): void {
    if (this.outbox.isWriting) return
    if (this.outbox.queuedBytes >= EAGER_BYTES) this.flush()
    else if (!this.scheduled) {
      this.scheduled = true
      this.tick.add(this)
    }
  }

  private endWrite(): void {
    this.outbox.endWrite()
    this.flush()
  }
}
