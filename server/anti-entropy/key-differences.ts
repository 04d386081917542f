import type { Key } from '../../shared/key.ts'
import type { KeyDigest } from '../rpc/repair-methods.ts'

/** A key of which two owners hold different records, or only one of them any. */
export interface KeyDifference {
  readonly key: Key
  readonly ours: KeyDigest | undefined
  readonly theirs: KeyDigest | undefined
}

/** The page behind `after`, in byte order; '' is the start. */
export type KeyPages = (after: string) => Promise<{
  readonly entries: readonly KeyDigest[]
  readonly after: string
  readonly end: boolean
}>

/** Goes through two ordered lists side by side, a page of each at a time. */
export async function* keyDifferences(ours: KeyPages, theirs: KeyPages): AsyncGenerator<KeyDifference> {
  const a = new Cursor(ours)
  const b = new Cursor(theirs)
  for (;;) {
    const x = await a.peek()
    const y = await b.peek()
    if (x === undefined && y === undefined) return
    const order = x === undefined ? 1 : y === undefined ? -1 : x.key < y.key ? -1 : x.key > y.key ? 1 : 0
    if (order <= 0) a.skip()
    if (order >= 0) b.skip()
    if (order < 0 && x !== undefined) yield { key: x.key, ours: x, theirs: undefined }
    else if (order > 0 && y !== undefined) yield { key: y.key, ours: undefined, theirs: y }
    else if (x !== undefined && y !== undefined && (x.lo !== y.lo || x.hi !== y.hi))
      yield { key: x.key, ours: x, theirs: y }
  }
}

class Cursor {
  private readonly pages: KeyPages
  private entries: readonly KeyDigest[] = []
  private next = 0
  private after = ''
  private end = false

  constructor(pages: KeyPages) {
    this.pages = pages
  }

  /** undefined at the end. */
  async peek(): Promise<KeyDigest | undefined> {
    while (this.next === this.entries.length && !this.end) {
      const page = await this.pages(this.after)
      this.entries = page.entries
      this.next = 0
      this.after = page.after
      this.end = page.end
    }
    return this.entries[this.next]
  }

  skip(): void {
    this.next++
  }
}
