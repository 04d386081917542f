import type { FaultRule } from '../../shared/api.ts'
import { KvError } from '../../shared/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import { checkRule } from './check-rule.ts'
import { combine, effectOf, type LinkEffect, NO_EFFECT } from './link-effect.ts'

const MAX_RULES = 256

/** The faults in force at one node, each until it is healed or its time is over. */
export class FaultRules {
  private readonly clock: Clock
  private readonly enabled: boolean
  private readonly rules = new Map<string, FaultRule>()
  /** Effects already worked out, by sender and receiver; emptied whenever the rules change. */
  private readonly effects = new Map<NodeId, Map<NodeId, LinkEffect>>()
  private nextExpiryMs = Number.POSITIVE_INFINITY

  /** @param enabled without, no rule is taken. */
  constructor(clock: Clock, settings: { enabled: boolean } = { enabled: true }) {
    this.clock = clock
    this.enabled = settings.enabled
  }

  /**
   * A rule with the id of another takes its place.
   * @throws KvError `usage` for a malformed rule, `overloaded` where 256 are in force, `forbidden` where chaos is off.
   */
  add(rule: FaultRule): void {
    this.check()
    this.expire()
    checkRule(rule, this.clock.wallMs())
    if (this.rules.size >= MAX_RULES && !this.rules.has(rule.id)) {
      throw new KvError('overloaded', `${MAX_RULES} faults are in force`, 'heal some with kv chaos heal')
    }
    this.rules.set(rule.id, structuredClone(rule))
    this.changed()
  }

  /** @returns how many were healed: all of them, or the one with the id. */
  heal(id?: string): number {
    this.check()
    this.expire()
    const before = this.rules.size
    if (id === undefined) this.rules.clear()
    else this.rules.delete(id)
    this.changed()
    return before - this.rules.size
  }

  private check(): void {
    if (this.enabled) return
    throw new KvError(
      'forbidden',
      'fault injection is off on this node',
      'start it with chaos: kv node start --chaos',
    )
  }

  /** Those in force, in the order in which they were first added. */
  list(): readonly FaultRule[] {
    this.expire()
    return [...this.rules.values()].map((rule) => structuredClone(rule))
  }

  /** What happens to a message from `from` to `to` now. */
  effect(from: NodeId, to: NodeId): LinkEffect {
    if (this.rules.size === 0) return NO_EFFECT
    this.expire()
    let byTarget = this.effects.get(from)
    if (byTarget === undefined) {
      byTarget = new Map()
      this.effects.set(from, byTarget)
    }
    let effect = byTarget.get(to)
    if (effect === undefined) {
      effect = NO_EFFECT
      for (const rule of this.rules.values()) effect = combine(effect, effectOf(rule, from, to))
      byTarget.set(to, effect)
    }
    return effect
  }

  private expire(): void {
    const now = this.clock.wallMs()
    if (now < this.nextExpiryMs) return
    for (const [id, rule] of this.rules) if (rule.untilMs <= now) this.rules.delete(id)
    this.changed()
  }

  private changed(): void {
    this.effects.clear()
    this.nextExpiryMs = Number.POSITIVE_INFINITY
    for (const rule of this.rules.values()) this.nextExpiryMs = Math.min(this.nextExpiryMs, rule.untilMs)
  }
}
