import type { FaultRule } from '../../../shared/api.ts'
import type { Prng } from '../prng.ts'
import type { FaultKind } from '../swarm.ts'
import { EPOCH_MS } from '../virtual-clock.ts'
import { type FaultComponents, fired, type Strike } from './strike.ts'

/** Rules are healed by the nemesis, long before this. */
const RULE_FOR_MS = 3_600_000
const MAX_RULES = 200

type LinkFault =
  | 'loss'
  | 'delay'
  | 'reorder'
  | 'duplicate'
  | 'partition'
  | 'one-way'
  | 'isolate'
  | 'half-heal'
  | 'swizzle'
  | 'reset'
  | 'reply-loss'
  | 'type-loss'

/** Kinds of messages, as their first byte tells them. */
const REQUEST = 0
const ANSWERS = [1, 2]
/** Methods, as the second byte tells them: heartbeats, stores, fetches, forwarded writes. */
const METHODS = { heartbeat: 1, store: 10, fetch: 11, forward: 20 } as const

/** What a network does to messages: lose, delay, repeat and reorder them, all or some, and keep nodes apart. */
export class LinkFaults {
  readonly strikes: Readonly<Record<LinkFault, Strike>>
  private readonly components: FaultComponents
  private rules = 0

  constructor(components: FaultComponents) {
    this.components = components
    this.strikes = {
      loss: (time, prng) => this.links('loss', time, prng, { loss: prng.pick([0.02, 0.2, 0.6]) }),
      delay: (time, prng) =>
        this.links('delay', time, prng, {
          latencyMs: prng.pick([5, 100, 1500]),
          jitterMs: prng.pick([0, 50, 500]),
        }),
      reorder: (time, prng) => this.links('reorder', time, prng, { reorder: prng.pick([0.1, 0.5]) }),
      duplicate: (time, prng) => this.links('duplicate', time, prng, { duplicate: prng.pick([0.1, 0.5]) }),
      partition: (time, prng) =>
        this.partition('partition', time, this.group(prng, prng.between(2, 3)), false),
      'one-way': (time, prng) => this.partition('one-way', time, this.group(prng, prng.between(1, 4)), true),
      isolate: (time, prng) => this.partition('isolate', time, this.group(prng, 1), false),
      'half-heal': (time, prng) => this.healByHalf(time, prng),
      swizzle: (time, prng) => this.swizzle(time, prng),
      reset: (_time, prng) => this.reset(prng),
      'reply-loss': (time, prng) => this.loseReplies(time, prng),
      'type-loss': (time, prng) => this.loseType(time, prng),
    }
  }

  private links(
    kind: FaultKind,
    time: number,
    prng: Prng,
    effect: Omit<FaultRule, 'id' | 'kind' | 'untilMs'>,
  ): void {
    const share = prng.pick([0.1, 0.5, 1])
    for (const from of this.ids()) {
      for (const to of this.ids())
        if (from !== to && prng.chance(share)) this.rule(time, { kind: 'link', from, to, ...effect })
    }
    fired(this.components, kind, `links: ${JSON.stringify(effect)}`)
  }

  private partition(kind: FaultKind, time: number, group: readonly string[], oneWay: boolean): void {
    this.rule(time, { kind: 'partition', groups: [[...group]], oneWay })
    fired(this.components, kind, `${kind}: ${group.join(',')}`)
  }

  /** When the partition ends the nodes see each other again, and what they store with each other is lost for a while. */
  private healByHalf(time: number, prng: Prng): void {
    this.partition('half-heal', time, this.group(prng, prng.between(2, 3)), false)
    const lossFor = prng.between(2_000_000, 6_000_000)
    this.components.world.loop.after(time, () => {
      if (this.components.over()) return
      this.censor(lossFor, 1, (_from, [kind, method]) => kind === REQUEST && method === METHODS.store)
    })
  }

  /** Nodes are cut off one by one and come back one by one, in another order (FoundationDB's swizzled clogging). */
  private swizzle(time: number, prng: Prng): void {
    const { world } = this.components
    const ids = prng.shuffle(this.ids()).slice(0, prng.between(2, 5))
    const back = prng.shuffle(ids)
    for (const [i, id] of ids.entries()) {
      const from = (time * i) / ids.length
      const until = time + (time * back.indexOf(id)) / ids.length
      world.loop.after(from, () => {
        if (!this.components.over())
          this.rule(until - from, { kind: 'partition', groups: [[id]], oneWay: false })
      })
    }
    fired(this.components, 'swizzle', `cuts off ${ids.join(',')}, and lets ${back.join(',')} back`)
  }

  private reset(prng: Prng): void {
    const [a, b] = prng.shuffle(this.ids())
    if (a === undefined || b === undefined) return
    this.components.world.network.break(a, b)
    fired(this.components, 'reset', `connection ${a} ${b} breaks`)
  }

  /** What a node is asked it does, but its answers get lost. */
  private loseReplies(time: number, prng: Prng): void {
    const from = prng.pick(this.ids())
    const loss = prng.pick([0.3, 1])
    this.censor(time, loss, (sender, message) => sender === from && ANSWERS.includes(message[0] as number))
    fired(this.components, 'reply-loss', `answers of ${from} get lost: ${loss}`)
  }

  private loseType(time: number, prng: Prng): void {
    const [name, id] = prng.pick(Object.entries(METHODS))
    const loss = prng.pick([0.3, 1])
    this.censor(time, loss, (_sender, message) => message[1] === id)
    fired(this.components, 'type-loss', `messages of ${name} get lost: ${loss}`)
  }

  private censor(time: number, loss: number, matches: (from: string, message: Buffer) => boolean): void {
    const { network, loop } = this.components.world
    const censor = { loss, matches }
    network.censors.add(censor)
    loop.after(time, () => network.censors.delete(censor))
  }

  private rule(time: number, fields: Omit<FaultRule, 'id' | 'untilMs'>): void {
    const { network, loop } = this.components.world
    if (network.rules.list().length > MAX_RULES) return
    const id = `f${++this.rules}`
    network.rules.add({ id, untilMs: EPOCH_MS + loop.now / 1000 + RULE_FOR_MS, ...fields })
    loop.after(time, () => network.rules.heal(id))
  }

  private group(prng: Prng, size: number): string[] {
    return prng.shuffle(this.ids()).slice(0, size)
  }

  private ids(): string[] {
    return this.components.cluster.machines.map((machine) => machine.id)
  }
}
