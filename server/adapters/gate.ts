import type { Socket } from 'node:net'
import { KvError } from '../../shared/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Trace } from '../ports/trace.ts'
import type { Handshake } from './handshake.ts'
import { type Introduced, Introduction } from './introduction.ts'
import { TokenBucket } from './token-bucket.ts'

export interface GateComponents {
  readonly clock: Clock
  readonly trace: Trace
  readonly handshake: () => Handshake
  readonly admit: (result: Exclude<Parameters<Introduced>[0], KvError>) => void
}

export interface GateSettings {
  /** Connections that may be in their handshake at a time. */
  readonly maxStrangers: number
  readonly handshakeMs: number
}

/** Refusals told per second at the most: strangers must not fill the log. */
const TOLD = { perSecond: 1, burst: 10 }

interface Stranger {
  readonly source: string
  readonly introduction: Introduction
}

/** Where connections wait until they have proved who they are. */
export class Gate {
  private readonly components: GateComponents
  private readonly settings: GateSettings
  private readonly told: TokenBucket
  /** In the order of their coming. */
  private readonly strangers = new Set<Stranger>()
  private untold = 0

  constructor(components: GateComponents, settings: GateSettings) {
    this.components = components
    this.settings = settings
    this.told = new TokenBucket(components.clock, TOLD)
  }

  get size(): number {
    return this.strangers.size
  }

  enter(socket: Socket): void {
    const { clock, handshake, admit } = this.components
    const source = socket.remoteAddress ?? 'unknown'
    const introduction = new Introduction(
      { clock, socket, handshake: handshake() },
      this.settings.handshakeMs,
      (result) => {
        this.strangers.delete(stranger)
        if (result instanceof KvError) this.tell(source, result.message)
        else admit(result)
      },
    )
    const stranger = { source, introduction }
    this.strangers.add(stranger)
    if (this.strangers.size > this.settings.maxStrangers) this.evict()
  }

  close(): void {
    for (const { introduction } of [...this.strangers]) introduction.abort('the node is stopping')
  }

  /**
   * The oldest of the source that has the most: a crowd of silent connections cannot keep out a peer, whose
   * handshake takes a moment.
   */
  private evict(): void {
    const counts = new Map<string, number>()
    for (const { source } of this.strangers) counts.set(source, (counts.get(source) ?? 0) + 1)
    const most = Math.max(...counts.values())
    for (const stranger of this.strangers) {
      if (counts.get(stranger.source) !== most) continue
      stranger.introduction.abort('too many connections wait to be let in')
      return
    }
  }

  private tell(source: string, why: string): void {
    if (!this.told.take()) this.untold++
    else {
      this.components.trace.event('warn', 'link.refused', { source, why, untold: this.untold })
      this.untold = 0
    }
  }
}
