import { type KvError, toKvError } from '../../shared/errors.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Network, NodeId } from '../ports/network.ts'
import type { Rpc } from '../rpc/method.ts'
import { HEARTBEAT_INTERVAL_MS, SUSPECT_AFTER_MS } from './failure-detector.ts'
import { HEARTBEAT, type Heartbeat } from './heartbeat.ts'

export interface HeartbeatComponents {
  readonly clock: Clock
  readonly network: Network
  readonly rpc: Rpc
  /** At the start of each round, before its heartbeats. */
  readonly onRound: () => void
  /** Whom to send heartbeats; those without a link are left out. */
  readonly targets: () => Iterable<NodeId>
  readonly compose: () => Heartbeat
  /**
   * Takes in what a peer says of itself and others: in answer to what was asked at `askedMs`, or unasked.
   * @throws KvError where this node will not have the peer.
   */
  readonly accept: (from: NodeId, beat: Heartbeat, askedMs?: number) => void
  /** The peer answered a heartbeat, and was accepted. */
  readonly onAnswer: (from: NodeId, beat: Heartbeat, roundTripMs: number) => void
  /** The peer that answers will not have this node, or this node will not have it. */
  readonly onRefusal: (peer: NodeId, why: KvError) => void
}

/**
 * A heartbeat to every peer every 250 ms, and at once over a new link. It is answered at once and from memory,
 * whatever the disk of the receiver does, so that a slow disk accuses nobody and is not accused.
 */
export class HeartbeatLoop {
  private readonly components: HeartbeatComponents
  private timer: Timer | undefined
  private running = false

  constructor(components: HeartbeatComponents) {
    this.components = components
    components.rpc.handle(HEARTBEAT, (from, beat, reply) => {
      // Without an answer the sender sees what is the case: a node that is not there yet, or not any more.
      if (!this.running) return
      // What a stray copy of the peer asks says nothing of the peer itself: only answers count against it.
      const refusal = this.take(from, beat)
      if (refusal === undefined) reply(undefined, components.compose())
      else reply(refusal)
    })
  }

  start(): void {
    this.running = true
    this.round()
  }

  stop(): void {
    this.running = false
    this.timer?.cancel()
  }

  /** One heartbeat out of turn. */
  beat(to: NodeId): void {
    if (this.running) this.send(to, this.components.compose())
  }

  /** To everyone, out of turn: there is news. */
  beatAll(): void {
    if (!this.running) return
    const beat = this.components.compose()
    for (const to of this.components.targets()) this.send(to, beat)
  }

  private round(): void {
    this.timer = this.components.clock.after(HEARTBEAT_INTERVAL_MS, () => this.round())
    this.components.onRound()
    this.beatAll()
  }

  private send(to: NodeId, beat: Heartbeat): void {
    const { clock, network, rpc } = this.components
    if (!network.connected(to)) return
    const sentMs = clock.monotonicMs()
    rpc.call(to, HEARTBEAT, beat, SUSPECT_AFTER_MS, (error, response) => {
      if (!this.running) return
      // Refused by the peer, rather than lost or late.
      if (error?.code === 'conflict') return this.components.onRefusal(to, error)
      if (error !== undefined || response === undefined) return
      const refusal = this.take(to, response, sentMs)
      if (refusal !== undefined) this.components.onRefusal(to, refusal)
      else this.components.onAnswer(to, response, clock.monotonicMs() - sentMs)
    })
  }

  private take(from: NodeId, beat: Heartbeat, askedMs?: number): KvError | undefined {
    try {
      this.components.accept(from, beat, askedMs)
      return undefined
    } catch (error) {
      return toKvError(error)
    }
  }
}
