import type { KeyRecord, Retirement, Sibling } from '../../../server/causality/record.ts'
import type { Write } from '../../../server/causality/write.ts'

/** `a5` is the fifth event of actor a. */
export function dot(name: string): { actor: string; counter: number } {
  return { actor: name.slice(0, 1), counter: Number(name.slice(1)) }
}

export function sibling(name: string, wallMs: number, more: Partial<Sibling> = {}): Sibling {
  const value = Buffer.from(name)
  return {
    dot: dot(name),
    stamp: { wallMs, logical: 0 },
    value,
    expiresAtMs: 0,
    request: '',
    attempt: 0,
    ...more,
  }
}

export function write(name: string, wallMs: number, more: Partial<Write> = {}): Write {
  return sibling(name, wallMs, more)
}

/** That the value of a request, written as `name`, was replaced. */
export function retired(request: string, name: string, more: Partial<Retirement> = {}): Retirement {
  return { request, attempt: 0, dot: dot(name), seen: true, wallMs: 0, ...more }
}

export function record(
  past: readonly string[],
  siblings: readonly Sibling[],
  retirements: Retirement[] = [],
): KeyRecord {
  return {
    past: new Map(past.map((name) => [dot(name).actor, dot(name).counter])),
    siblings,
    retired: retirements,
  }
}

export function dotsOf(siblings: readonly Sibling[]): string[] {
  return siblings.map((held) => `${held.dot.actor}${held.dot.counter}`)
}

export function pastOf(held: KeyRecord): string[] {
  return [...held.past].map(([actor, counter]) => `${actor}${counter}`).sort()
}
