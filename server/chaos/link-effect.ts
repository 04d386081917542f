import type { FaultRule } from '../../shared/api.ts'
import type { NodeId } from '../ports/network.ts'

/** What the rules in force do to messages from one node to another. */
export interface LinkEffect {
  /** Nothing arrives. */
  readonly cut: boolean
  /** Milliseconds. */
  readonly latencyMs: number
  readonly jitterMs: number
  /** Probabilities, from 0 to 1. */
  readonly loss: number
  readonly duplicate: number
  readonly reorder: number
}

export const NO_EFFECT: LinkEffect = {
  cut: false,
  latencyMs: 0,
  jitterMs: 0,
  loss: 0,
  duplicate: 0,
  reorder: 0,
}

/** What one rule does to messages from `from` to `to`. */
export function effectOf(rule: FaultRule, from: NodeId, to: NodeId): LinkEffect {
  if (from === to) return NO_EFFECT
  if (rule.kind === 'partition') return isCut(rule, from, to) ? { ...NO_EFFECT, cut: true } : NO_EFFECT
  if (rule.from !== from || rule.to !== to) return NO_EFFECT
  return {
    cut: false,
    latencyMs: rule.latencyMs ?? 0,
    jitterMs: rule.jitterMs ?? 0,
    loss: rule.loss ?? 0,
    duplicate: rule.duplicate ?? 0,
    reorder: rule.reorder ?? 0,
  }
}

/** Both at once: delays add up, and each probability strikes independently. */
export function combine(a: LinkEffect, b: LinkEffect): LinkEffect {
  if (a === NO_EFFECT) return b
  if (b === NO_EFFECT) return a
  return {
    cut: a.cut || b.cut,
    latencyMs: a.latencyMs + b.latencyMs,
    jitterMs: a.jitterMs + b.jitterMs,
    loss: either(a.loss, b.loss),
    duplicate: either(a.duplicate, b.duplicate),
    reorder: either(a.reorder, b.reorder),
  }
}

/**
 * One group is cut off from every node outside it. Of several, each is cut off from the others, and nodes
 * in no group see all. One-way, only what the first group sends outwards is lost.
 */
function isCut(rule: FaultRule, from: NodeId, to: NodeId): boolean {
  const groups = rule.groups ?? []
  const source = groups.findIndex((group) => group.includes(from))
  const target = groups.findIndex((group) => group.includes(to))
  if (source === target) return false
  if (groups.length > 1 && (source < 0 || target < 0)) return false
  return rule.oneWay !== true || source === 0
}

function either(a: number, b: number): number {
  return 1 - (1 - a) * (1 - b)
}
