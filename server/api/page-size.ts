import type { ScanPage } from '../coordinator/outcome.ts'

const PAGE_BYTES = 1024 * 1024
const MAX_ENTRIES = 10_000
const FIRST_ENTRIES = 100

/** How many entries to ask for next, so that a page with values holds about 1 MiB whatever their size. */
export class PageSize {
  private entries: number

  constructor(values: boolean) {
    this.entries = values ? FIRST_ENTRIES : MAX_ENTRIES
  }

  next(): number {
    return this.entries
  }

  saw(page: ScanPage['entries']): void {
    let bytes = 0
    for (const { value } of page) {
      if (value === undefined) return
      bytes += value.length + 1
    }
    if (page.length === 0) return
    const fitting = Math.floor((PAGE_BYTES * page.length) / bytes)
    // Growing slowly keeps a run of small values from asking for too many large ones behind it.
    this.entries = Math.max(1, Math.min(fitting, this.entries * 2, MAX_ENTRIES))
  }
}
