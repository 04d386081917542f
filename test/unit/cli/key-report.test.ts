import { expect } from 'chai'
import { Chalk } from 'chalk'
import { renderKeyDifference } from '../../../cli/render/key-difference.ts'
import { renderKeyReport } from '../../../cli/render/key-report.ts'
import type { CopyReport, KeyNodeReport, KeyReport, VersionReport } from '../../../shared/key-report.ts'

const plain = new Chalk({ level: 0 })

const version = (name: string, more: Partial<VersionReport> = {}): VersionReport => ({
  version: name,
  node: 'n1',
  time: '2026-01-31T12:00:00.123Z',
  logical: 0,
  state: 'live',
  bytes: 5,
  digest: '2cf24dba5fb0a30e',
  ...more,
})
const copy = (...versions: VersionReport[]): CopyReport => ({
  digest: '9b71d224bd62f378',
  bytes: 60,
  versions,
  past: [],
  retired: 0,
})
const node = (id: string, more: Partial<KeyNodeReport> = {}): KeyNodeReport => ({
  id,
  role: 'owner',
  state: 'up',
  answered: true,
  problem: '',
  copy: copy(version('n1.a.0:2')),
  hints: [],
  ...more,
})
const empty = { copy: null, role: 'fallback' } as const
const difference = { lacks: ['n1.a.0:2'], outdated: ['n1.a.0:1'], restamped: [], pastDiffers: true }
const deleted = version('n1.a.0:1', { state: 'deleted', bytes: 0, digest: '' })

const REPORT: KeyReport = {
  key: 'greeting',
  slot: 1205,
  n: 3,
  conflicts: 'lww',
  same: false,
  merged: copy(version('n1.a.0:2')),
  nodes: [
    node('n1'),
    node('n2', { copy: copy(deleted), difference }),
    node('n3', {
      copy: null,
      answered: false,
      state: 'down',
      problem: 'not reached: there is no link to n3',
    }),
    node('n4', { ...empty, hints: [{ for: 'n3', copy: copy(version('n1.a.0:2')) }] }),
    node('n5', empty),
  ],
  reads: [
    {
      r: 1,
      answers: [
        { asked: [['n1']], outcome: 'value', versions: ['n1.a.0:2'], sloppy: false },
        { asked: [['n2']], outcome: 'not_found', versions: [], sloppy: true },
      ],
    },
    { r: 2, answers: [{ asked: [['n1', 'n2']], outcome: 'value', versions: ['n1.a.0:2'], sloppy: false }] },
  ],
}

describe('what kv key explain prints', () => {
  it('says who is behind, what each node holds, and what a read answers', () => {
    expect(renderKeyReport(REPORT, plain).split('\n')).to.deep.equal([
      'n2 is behind; n3 could not be asked',
      'slot 1205, n 3, conflicts lww',
      '',
      'NODE  ROLE      STATE  HOLDS                                VERSION   TIME                      SIZE  DIGEST',
      'n1    owner     up     value                                n1.a.0:2  2026-01-31 12:00:00.123Z   5 B  2cf24dba',
      'n2    owner     up     tombstone                            n1.a.0:1  2026-01-31 12:00:00.123Z     -  -',
      'n3    owner     down   not reached: there is no link to n3',
      'n4    fallback  up     hint for n3: value                   n1.a.0:2  2026-01-31 12:00:00.123Z   5 B  2cf24dba',
      'and nothing at n5',
      '',
      'READ WITH  FROM   ANSWERS',
      'r=1        n1     n1.a.0:2',
      '           n2     not found (sloppy: newer writes may be out of reach)',
      'r=2        n1+n2  n1.a.0:2',
    ])
  })

  it('has columns for expiry and remembered requests where there are any', () => {
    const held = { ...copy(version('n1.a.0:2', { expiresAt: '2026-02-01T00:00:00.000Z' })), retired: 3 }
    const text = renderKeyReport({ ...REPORT, nodes: [node('n1', { copy: held })] }, plain)
    expect(text).to.match(/DIGEST +EXPIRES +RETIRED\n/)
    expect(text).to.match(/2cf24dba +2026-02-01 00:00:00.000Z +3\n/)
  })

  it('says in one line that all is well, or that there is nothing', () => {
    const first = (report: KeyReport) => renderKeyReport(report, plain).split('\n')[0]
    expect(first({ ...REPORT, same: true, nodes: [node('n1'), node('n2')] })).to.equal(
      'all owners hold the same',
    )
    expect(first({ ...REPORT, same: true, merged: null })).to.equal('no owner holds anything of this key')
  })
})

describe('what kv key diff prints', () => {
  it('names each owner that differs, and in what', () => {
    expect(renderKeyDifference(REPORT, plain).split('\n')).to.deep.equal([
      'n2 is behind; n3 could not be asked',
      'n2 lacks n1.a.0:2 (5 B, 2026-01-31 12:00:00.123Z)',
      'n2 still has n1.a.0:1 (a tombstone, 2026-01-31 12:00:00.123Z), which was replaced',
      'n3 was not reached: there is no link to n3',
      'n4 keeps a hint for n3: n1.a.0:2 (5 B, 2026-01-31 12:00:00.123Z)',
    ])
  })
})
