import type { KeyRecord } from '../../../server/causality/record.ts'
import type { Evidence } from '../evidence.ts'
import { type Attempt, History, type ReadOp, type WriteOp } from '../history.ts'
import { Observations } from '../observations.ts'

const KEY = 'k'

/** A hand-made history of one key: what the clients were told, and what the disks hold. Times are seconds. */
export class Story {
  private readonly history = new History()
  private readonly observations = new Observations()
  private readonly finals: Evidence['finals'][number][] = []
  private readonly conflicts: Evidence['conflicts']
  private readonly losses: Evidence['losses'][number][] = []

  constructor(conflicts: Evidence['conflicts'] = 'lww') {
    this.conflicts = conflicts
  }

  get evidence(): Evidence {
    const { history, observations, finals, losses, conflicts } = this
    return { history, observations, finals, losses, gauges: [], conflicts, n: 3, hints: true }
  }

  /** A write from `from` to `to` that no disk has seen yet; acknowledged unless the fields say otherwise. */
  write(
    from: number,
    to: number,
    fields: Partial<Attempt> & {
      w?: number
      deletes?: boolean
      basis?: ReadOp
      strict?: boolean
      ttlMs?: number
    } = {},
  ): WriteOp {
    const { w = 2, deletes = false, basis, strict = false, ttlMs = 0, ...attempt } = fields
    const write = this.history.write({ client: 1, key: KEY, w, strict, ttlMs, basis, deletes, padding: 0 })
    Object.assign(this.history.attempt(write, 'n1', from * 1e6), {
      completedAt: to * 1e6,
      outcome: 'ok',
      acks: w,
      ...attempt,
    })
    return write
  }

  /** Some disk has seen the write, with the dot and stamp. */
  seen(write: WriteOp, wallMs: number, actor = 'a', counter = wallMs, attempt = 0): void {
    this.observations.note(KEY, record(write, wallMs, actor, counter, attempt))
  }

  read(from: number, to: number, shown: readonly WriteOp[], fields: Partial<ReadOp> = {}): ReadOp {
    const { final = false } = fields
    const read = this.history.read({ client: 1, key: KEY, node: 'n1', r: 2, invokedAt: from * 1e6, final })
    const values = shown.map((write) => write.value ?? '')
    const context = { vector: new Map<string, number>(), seen: [] }
    return Object.assign(read, {
      completedAt: to * 1e6,
      outcome: 'ok',
      replies: 2,
      values,
      context,
      ...fields,
    })
  }

  /** What the disk of a node holds in the end. */
  holds(node: string, write: WriteOp | undefined, wallMs = 1, owner = true): void {
    const held = write === undefined ? undefined : record(write, wallMs, 'a', wallMs)
    const bytes = write === undefined ? undefined : Buffer.from(`${write.request}@${wallMs}`)
    this.finals.push({ key: KEY, node, owner, bytes, record: held })
  }

  holdsDamaged(node: string): void {
    this.finals.push({ key: KEY, node, owner: true, bytes: Buffer.from('damaged'), record: undefined })
  }

  wipe(at: number): void {
    this.losses.push({ from: at * 1e6, until: at * 1e6 })
  }
}

function record(write: WriteOp, wallMs: number, actor: string, counter: number, attempt = 0): KeyRecord {
  const value = write.value === null ? null : Buffer.from(write.value)
  const sibling = {
    dot: { actor, counter },
    stamp: { wallMs, logical: 0 },
    value,
    expiresAtMs: 0,
    request: write.request,
    attempt,
  }
  return { past: new Map(), siblings: [sibling], retired: [] }
}
