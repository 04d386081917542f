import type { FaultRule } from '../../../shared/api.ts'
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
  | 'swizzle'
  | 'reset'
  | 'reply-loss'
  | 'type-loss'

/** Kinds of messages, as their first byte tells them. */
const ANSWERS = [1, 2]
/** Methods, as the second byte tells them: heartbeats, stores, fetches, forwarded writes. */
const METHODS = { heartbeat: 1, store: 10, fetch: 11, forward: 20 } as const

/** What a network does to messages: lose, delay, repeat and reorder them, all or some, and keep nodes apart. */
export class LinkFaults {
  readonly strikes: Readonly<Record<LinkFault, Strike>>
  private readonly components: FaultComponents
  private rules = 0

  constructor(components: FaultComponents) {
    const { prng } = components
    this.components = components
    this.strikes = {
      loss: (time) => this.links('loss', time, { loss: prng.pick([0.02, 0.2, 0.6]) }),
      delay: (time) =>
        this.links('delay', time, {
          latencyMs: prng.pick([5, 100, 1500]),
          jitterMs: prng.pick([0, 50, 500]),
        }),
      reorder: (time) => this.links('reorder', time, { reorder: prng.pick([0.1, 0.5]) }),
      duplicate: (time) => this.links('duplicate', time, { duplicate: prng.pick([0.1, 0.5]) }),
      partition: (time) => this.partition('partition', time, prng.between(2, 3), false),
      'one-way': (time) => this.partition('one-way', time, prng.between(1, 4), true),
      isolate: (time) => this.partition('isolate', time, 1, false),
      swizzle: (time) => this.swizzle(time),
      reset: () => this.reset(),
      'reply-loss': (time) => this.loseReplies(time),
      'type-loss': (time) => this.loseType(time),
    }
  }

  private links(kind: FaultKind, time: number, effect: Omit<FaultRule, 'id' | 'kind' | 'untilMs'>): void {
    const { prng } = this.components
    const share = prng.pick([0.1, 0.5, 1])
    for (const from of this.ids()) {
      for (const to of this.ids())
        if (from !== to && prng.chance(share)) this.rule(time, { kind: 'link', from, to, ...effect })
    }
    fired(this.components, kind, `links: ${JSON.stringify(effect)}`)
  }

  private partition(kind: FaultKind, time: number, size: number, oneWay: boolean): void {
    const group = this.components.prng.shuffle(this.ids()).slice(0, size)
    this.rule(time, { kind: 'partition', groups: [group], oneWay })
    fired(this.components, kind, `${kind}: ${group.join(',')}`)
  }

  /** Nodes are cut off one by one and come back one by one, in another order (FoundationDB's swizzled clogging). */
  private swizzle(time: number): void {
    const { prng, world } = this.components
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

  private reset(): void {
    const [a, b] = this.components.prng.shuffle(this.ids())
    if (a === undefined || b === undefined) return
    this.components.world.network.break(a, b)
    fired(this.components, 'reset', `connection ${a} ${b} breaks`)
  }

  /** What a node is asked it does, but its answers get lost. */
  private loseReplies(time: number): void {
    const { prng } = this.components
    const from = prng.pick(this.ids())
    const loss = prng.pick([0.3, 1])
    this.censor(time, loss, (sender, message) => sender === from && ANSWERS.includes(message[0] as number))
    fired(this.components, 'reply-loss', `answers of ${from} get lost: ${loss}`)
  }

  private loseType(time: number): void {
    const { prng } = this.components
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

  private ids(): string[] {
    return this.components.cluster.machines.map((machine) => machine.id)
  }
}
