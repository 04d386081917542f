import type { ScanEnd, ScanEntry } from '../api.ts'
import { errorFromBody } from './answers.ts'
import { LinkError } from './exchange.ts'

/** One page of a scan, which may take several answers to be read: entries that were seen are not given again. */
export class ScanPage {
  /** Where the next page begins; undefined after the last. */
  cursor: string | undefined
  private readonly seen = new Set<string>()

  get count(): number {
    return this.seen.size
  }

  /** @throws LinkError where the answer lacks its last line, and the KvError that stands in its place. */
  async *entries(groups: AsyncIterable<readonly unknown[]>): AsyncIterable<ScanEntry> {
    for await (const lines of groups) {
      for (const line of lines) {
        const error = errorFromBody(line)
        if (error) throw error
        if (isEnd(line)) {
          this.cursor = line.cursor
          return
        }
        const entry = line as ScanEntry
        const name = `${entry.keyEncoding ?? 'utf8'} ${entry.key}`
        if (this.seen.has(name)) continue
        this.seen.add(name)
        yield entry
      }
    }
    throw new LinkError('a page of the scan was cut short', true, false)
  }
}

function isEnd(line: unknown): line is ScanEnd {
  return (line as Partial<ScanEnd> | null)?.end === true
}
