import type { Clock } from '../ports/clock.ts'
import type { Address, LinkState, Network, NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import { DelayLine } from './delay-line.ts'
import type { FaultRules } from './fault-rules.ts'
import { type LinkEffect, NO_EFFECT } from './link-effect.ts'

export interface FaultyNetworkComponents {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly rules: FaultRules
}

export interface FaultyNetworkSettings {
  /** Of this node. */
  readonly id: NodeId
  /** What may be held back at a time; the oldest is dropped for the newest. */
  readonly maxHeldMessages?: number
  readonly maxHeldBytes?: number
}

/** A reordered message is held back for up to this long, milliseconds. */
const REORDER_MS = 100

const TWO_32 = 0x1_0000_0000

/**
 * A network with the faults of the rules: the sender loses, delays, repeats and reorders, and both sides drop
 * what a partition cuts. Links stay up meanwhile: a partition is silence, not a connection that was closed.
 *
 * Datagrams pass, because their sender is not known here. Discovery may therefore find a node that is cut
 * off; a datagram must not count as a sign of life.
 */
export class FaultyNetwork implements Network {
  private readonly components: FaultyNetworkComponents
  private readonly id: NodeId
  private readonly held: DelayLine

  constructor(components: FaultyNetworkComponents, settings: FaultyNetworkSettings) {
    this.components = components
    this.id = settings.id
    this.held = new DelayLine(components.clock, {
      maxMessages: settings.maxHeldMessages ?? 100_000,
      maxBytes: settings.maxHeldBytes ?? 64 << 20,
    })
  }

  send(to: NodeId, message: Buffer): boolean {
    const { network, rules, random } = this.components
    const effect = rules.effect(this.id, to)
    if (effect === NO_EFFECT) return network.send(to, message)
    if (!network.connected(to)) return false
    // A message that the network loses has been sent, as far as its sender can tell.
    if (effect.cut || chance(random, effect.loss)) return true
    const sent = this.deliver(to, message, effect)
    if (chance(random, effect.duplicate)) this.deliver(to, message, effect)
    return sent
  }

  onMessage(handler: (from: NodeId, message: Buffer) => void): void {
    const { network, rules } = this.components
    network.onMessage((from, message) => {
      if (!rules.effect(from, this.id).cut) handler(from, message)
    })
  }

  learn(peer: NodeId, address: Address): void {
    this.components.network.learn(peer, address)
  }

  forget(peer: NodeId): void {
    this.components.network.forget(peer)
  }

  connected(peer: NodeId): boolean {
    return this.components.network.connected(peer)
  }

  onLink(handler: (peer: NodeId, state: LinkState) => void): void {
    this.components.network.onLink(handler)
  }

  broadcast(datagram: Buffer): void {
    this.components.network.broadcast(datagram)
  }

  onDatagram(handler: (datagram: Buffer, from: Address) => void): void {
    this.components.network.onDatagram(handler)
  }

  async close(): Promise<void> {
    this.held.clear()
    await this.components.network.close()
  }

  private deliver(to: NodeId, message: Buffer, effect: LinkEffect): boolean {
    const { network, rules, random } = this.components
    let delayMs = effect.latencyMs
    if (effect.jitterMs > 0) delayMs += random.below(Math.ceil(effect.jitterMs) + 1)
    if (chance(random, effect.reorder)) delayMs += 1 + random.below(REORDER_MS)
    if (delayMs === 0) return network.send(to, message)
    this.held.hold(message, delayMs, (copy) => {
      if (!rules.effect(this.id, to).cut) network.send(to, copy)
    })
    return true
  }
}

function chance(random: Random, probability: number): boolean {
  return probability > 0 && random.u32() < probability * TWO_32
}
