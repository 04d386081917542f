import type { FaultRule } from '../../shared/api.ts'
import { KvError } from '../../shared/errors.ts'

const MAX_DELAY_MS = 10 * 60_000
const MAX_DURATION_MS = 24 * 3_600_000
const MAX_NAME_LENGTH = 256
const MAX_NODES = 1024

/**
 * Checks a rule that came from outside, so whatever its type says, any field may hold anything.
 * @throws KvError `usage` naming what is wrong.
 */
export function checkRule(rule: FaultRule, nowMs: number): void {
  checkName(rule.id, 'the id of the fault')
  if (rule.kind === 'partition') checkGroups(rule)
  else if (rule.kind === 'link') checkLink(rule)
  else throw usage(`unknown kind of fault: ${String(rule.kind)}`, 'kinds are partition and link')
  if (!Number.isFinite(rule.untilMs)) throw usage('a fault needs untilMs, the time at which it heals')
  if (rule.untilMs <= nowMs) throw usage('the fault would end in the past', 'check the clocks of the nodes')
  if (rule.untilMs > nowMs + MAX_DURATION_MS) throw usage('a fault lasts 24 hours at the most')
}

function checkGroups(rule: FaultRule): void {
  const { groups } = rule
  if (!Array.isArray(groups) || groups.length === 0) {
    throw usage('a partition needs at least one group', 'a group is node ids with commas between, as n1,n2')
  }
  if (rule.oneWay !== undefined && typeof rule.oneWay !== 'boolean') throw usage('oneWay is true or false')
  const seen = new Set<string>()
  for (const group of groups) {
    if (!Array.isArray(group) || group.length === 0) throw usage('a group of the partition is empty')
    for (const node of group) {
      checkName(node, 'a node of the partition')
      if (seen.has(node)) throw usage(`${node} is named twice in the partition`)
      seen.add(node)
    }
  }
  if (seen.size > MAX_NODES) throw usage(`a partition names ${MAX_NODES} nodes at the most`)
}

function checkLink(rule: FaultRule): void {
  checkName(rule.from, 'the node that a link fault starts from')
  checkName(rule.to, 'the node that a link fault leads to')
  if (rule.from === rule.to) throw usage(`a link leads from ${rule.from} to itself`)
  const given = [
    checkNumber(rule.latencyMs, 'latency', MAX_DELAY_MS, '600,000 milliseconds'),
    checkNumber(rule.jitterMs, 'jitter', MAX_DELAY_MS, '600,000 milliseconds'),
    checkNumber(rule.loss, 'loss', 1, '1'),
    checkNumber(rule.duplicate, 'duplicate', 1, '1'),
    checkNumber(rule.reorder, 'reorder', 1, '1'),
  ]
  if (!given.includes(true)) {
    throw usage('the link fault does nothing', 'give latency, jitter, loss, duplicate or reorder')
  }
}

/** @returns whether it was given. */
function checkNumber(value: number | undefined, name: string, most: number, limit: string): boolean {
  if (value === undefined) return false
  if (typeof value !== 'number' || !(value >= 0 && value <= most)) {
    throw usage(`${name} is out of range: ${String(value)}`, `from 0 to ${limit}`)
  }
  return true
}

function checkName(name: unknown, what: string): void {
  if (typeof name !== 'string' || name.length === 0) throw usage(`${what} is missing`)
  if (name.length > MAX_NAME_LENGTH) throw usage(`${what} has over ${MAX_NAME_LENGTH} characters`)
}

function usage(message: string, hint = 'see kv chaos --help'): KvError {
  return new KvError('usage', message, hint)
}
