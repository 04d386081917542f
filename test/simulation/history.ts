import type { Context } from '../../server/causality/context.ts'
import type { NodeId } from '../../server/ports/network.ts'
import type { ErrorCode } from '../../shared/errors.ts'

/** `pending` was never answered: for a write, the same as `unknown`. */
export type OutcomeKind = 'ok' | 'definite' | 'unknown' | 'pending'

/** One request of a write. Times are virtual microseconds. */
export interface Attempt {
  readonly node: NodeId
  readonly invokedAt: number
  /** Infinity while it is pending. */
  completedAt: number
  outcome: OutcomeKind
  code: ErrorCode | ''
  acks: number
  sloppy: boolean
  version: string
}

/** One write of one client, with all its attempts. */
export interface WriteOp {
  readonly kind: 'write'
  readonly id: number
  readonly client: number
  readonly key: string
  /** Unique over the whole history; null deletes. */
  readonly value: string | null
  /** Names the write in the records of the nodes. */
  readonly request: string
  readonly w: number
  readonly strict: boolean
  /** 0 is never. */
  readonly ttlMs: number
  /** The read whose context the write carries. */
  readonly basis: ReadOp | undefined
  readonly attempts: Attempt[]
}

export interface ReadOp {
  readonly kind: 'read'
  readonly id: number
  /** 0 is whoever reads all back. */
  readonly client: number
  readonly key: string
  readonly node: NodeId
  readonly r: number
  readonly invokedAt: number
  completedAt: number
  outcome: OutcomeKind
  code: ErrorCode | ''
  /** Empty means not found. */
  values: string[]
  sloppy: boolean
  replies: number
  context: Context | undefined
  /** After all faults were healed and all hints delivered. */
  readonly final: boolean
}

/** All that the clients asked and were answered, in the order of the asking. */
export class History {
  readonly writes: WriteOp[] = []
  readonly reads: ReadOp[] = []
  private nextId = 1

  write(
    fields: Pick<WriteOp, 'client' | 'key' | 'w' | 'strict' | 'ttlMs' | 'basis'> & {
      deletes: boolean
      padding: number
    },
  ): WriteOp {
    const id = this.nextId++
    const { client, key, w, strict, ttlMs, basis, deletes, padding } = fields
    const value = deletes ? null : `w${id}${'.'.repeat(padding)}`
    const request = `c${client}-${id}`
    const op: WriteOp = {
      kind: 'write',
      id,
      client,
      key,
      value,
      request,
      w,
      strict,
      ttlMs,
      basis,
      attempts: [],
    }
    this.writes.push(op)
    return op
  }

  attempt(write: WriteOp, node: NodeId, now: number): Attempt {
    const attempt: Attempt = {
      node,
      invokedAt: now,
      completedAt: Number.POSITIVE_INFINITY,
      outcome: 'pending',
      code: '',
      acks: 0,
      sloppy: false,
      version: '',
    }
    write.attempts.push(attempt)
    return attempt
  }

  read(fields: Pick<ReadOp, 'client' | 'key' | 'node' | 'r' | 'invokedAt' | 'final'>): ReadOp {
    const op: ReadOp = {
      kind: 'read',
      id: this.nextId++,
      ...fields,
      completedAt: Number.POSITIVE_INFINITY,
      outcome: 'pending',
      code: '',
      values: [],
      sloppy: false,
      replies: 0,
      context: undefined,
    }
    this.reads.push(op)
    return op
  }

  /** Keys in the order of their first use. */
  keys(): string[] {
    return [...new Set([...this.writes, ...this.reads].map((op) => op.key))]
  }
}

/** The moment at which the write was first asked for. */
export function began(write: WriteOp): number {
  return write.attempts[0]?.invokedAt ?? Number.POSITIVE_INFINITY
}

/** The first acknowledgement; undefined where there was none. */
export function acknowledgement(write: WriteOp): Attempt | undefined {
  let first: Attempt | undefined
  for (const attempt of write.attempts) {
    if (attempt.outcome === 'ok' && (first === undefined || attempt.completedAt < first.completedAt))
      first = attempt
  }
  return first
}

/** Every attempt was said to have failed for certain. */
export function failedForCertain(write: WriteOp): boolean {
  return write.attempts.every((attempt) => attempt.outcome === 'definite')
}
