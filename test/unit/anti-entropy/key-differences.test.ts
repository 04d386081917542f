import { expect } from 'chai'
import { type KeyPages, keyDifferences } from '../../../server/anti-entropy/key-differences.ts'
import type { Key } from '../../../shared/key.ts'

/** Pages of two entries each, and an empty one at the end. */
function pages(entries: Record<string, number>): KeyPages {
  const all = Object.entries(entries).map(([key, lo]) => ({ key: key as Key, lo, hi: 0 }))
  return async (after) => {
    const some = all.filter(({ key }) => key > after).slice(0, 2)
    return { entries: some, after: some.at(-1)?.key ?? after, end: some.length === 0 }
  }
}

async function found(ours: Record<string, number>, theirs: Record<string, number>): Promise<string[]> {
  const lines: string[] = []
  for await (const { key, ours: a, theirs: b } of keyDifferences(pages(ours), pages(theirs)))
    lines.push(`${key} ${a?.lo ?? '-'} ${b?.lo ?? '-'}`)
  return lines
}

describe('keyDifferences', () => {
  it('finds what either side lacks and what both hold differently, in order', async () => {
    expect(await found({ a: 1, b: 2, d: 4, e: 5 }, { b: 2, c: 3, d: 9, e: 5, f: 6 })).to.deep.equal([
      'a 1 -',
      'c - 3',
      'd 4 9',
      'f - 6',
    ])
  })

  it('finds nothing where nothing differs, and everything where one side is empty', async () => {
    expect(await found({ a: 1, b: 2, c: 3 }, { a: 1, b: 2, c: 3 })).to.deep.equal([])
    expect(await found({}, { a: 1, b: 2, c: 3 })).to.deep.equal(['a - 1', 'b - 2', 'c - 3'])
    expect(await found({ a: 1, b: 2 }, {})).to.deep.equal(['a 1 -', 'b 2 -'])
  })
})
