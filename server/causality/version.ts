import { createHash } from 'node:crypto'
import { compareDots } from './dot.ts'
import type { Sibling } from './record.ts'

/** The node that wrote a version: its actor is named after the node, a run of its process and the generation. */
export function writerOf(version: string): string {
  return version.slice(0, version.lastIndexOf(':')).split('.').slice(0, -2).join('.')
}

/** Several versions are written out up to this length, in characters. */
const MAX_JOINED = 120

/**
 * The name of exactly these versions: `actor:counter` for one, several joined by `+` in dot order, or their
 * number and a hash where that is too long. '' for none.
 */
export function versionOf(siblings: readonly Pick<Sibling, 'dot'>[]): string {
  const [first] = siblings
  if (first !== undefined && siblings.length === 1) return `${first.dot.actor}:${first.dot.counter}`
  const dots = siblings.map((sibling) => sibling.dot).sort(compareDots)
  const joined = dots.map((dot) => `${dot.actor}:${dot.counter}`).join('+')
  if (joined.length <= MAX_JOINED) return joined
  return `${siblings.length}+${createHash('sha256').update(joined).digest('hex').slice(0, 32)}`
}
