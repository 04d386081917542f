import { expect } from 'chai'
import { EMPTY_RECORD, type KeyRecord } from '../../../server/causality/record.ts'
import type { Holding } from '../../../server/coordinator/holding.ts'
import { forecastReads } from '../../../server/coordinator/read-forecast.ts'
import { recordOf } from '../records.ts'

const old = recordOf('x', 1)
const newer: KeyRecord = { ...recordOf('x', 2), past: new Map([['x', 1]]) }

function holding(id: string, role: Holding['role'], data: KeyRecord, more: Partial<Holding> = {}): Holding {
  return { id, role, state: 'up', answered: true, problem: '', data, hints: [], complete: true, ...more }
}

function forecast(holdings: readonly Holding[], doubtful: readonly string[] = []) {
  const hintsElsewhere = (owner: string) => doubtful.includes(owner)
  const reads = forecastReads(holdings, { n: 3, policy: 'lww', wallMs: 10, hintsElsewhere })
  return reads.map(({ answers }) =>
    answers.map(({ asked, outcome, versions, sloppy }) => {
      const answer = outcome === 'value' ? versions.join() : outcome
      return `${asked.map((nodes) => nodes.join('+')).join(' ')}: ${answer}${sloppy ? ' sloppy' : ''}`
    }),
  )
}

describe('what reads of a key would answer', () => {
  it('is told for each owner, and each pair of them, alone', () => {
    const holdings = [
      holding('a', 'owner', old),
      holding('b', 'owner', newer),
      holding('c', 'owner', EMPTY_RECORD),
    ]
    expect(forecast(holdings)).to.deep.equal([
      ['a: x:1', 'b: x:2', 'c: not_found'],
      ['a+b b+c: x:2', 'a+c: x:1'],
      ['a+b+c: x:2'],
    ])
  })

  it('counts in who keeps a hint for an owner that is asked, but not for another', () => {
    const keeper = holding('d', 'fallback', EMPTY_RECORD, { hints: [{ target: 'a', record: newer }] })
    const holdings = [
      holding('a', 'owner', old),
      holding('b', 'owner', old),
      holding('c', 'owner', old),
      keeper,
    ]
    expect(forecast(holdings)[0]).to.deep.equal(['a: x:2', 'b c: x:1'])
  })

  it('has fallbacks stand in for owners out of reach, and says so', () => {
    const away = holding('a', 'owner', EMPTY_RECORD, { answered: false })
    const keeper = holding('d', 'fallback', EMPTY_RECORD, { hints: [{ target: 'a', record: newer }] })
    const holdings = [away, holding('b', 'owner', old), holding('c', 'owner', old), keeper]
    expect(forecast(holdings)).to.deep.equal([['b c: x:1'], ['b+c: x:1'], ['b+c+d: x:2 sloppy']])
  })

  it('is no quorum where too few nodes are in reach, and where nobody that answers knows', () => {
    const away = { answered: false }
    const alone = [
      holding('a', 'owner', old),
      holding('b', 'owner', old, away),
      holding('c', 'owner', old, away),
    ]
    expect(forecast(alone, ['a'])).to.deep.equal([
      ['a: x:1 sloppy'],
      ['a: no_quorum sloppy'],
      ['a: no_quorum sloppy'],
    ])
    const empty = [...alone.slice(1), holding('d', 'fallback', EMPTY_RECORD)]
    expect(forecast(empty)[0]).to.deep.equal(['d: no_quorum sloppy'])
  })

  it('shows concurrent values, and hides what is deleted or has expired', () => {
    const read = (record: KeyRecord, policy: 'lww' | 'siblings') =>
      forecastReads([holding('a', 'owner', record)], {
        n: 1,
        policy,
        wallMs: 10,
        hintsElsewhere: () => false,
      })[0]?.answers[0]
    const [one] = recordOf('x', 1).siblings
    const [two] = recordOf('y', 2).siblings
    if (one === undefined || two === undefined) throw new Error('records have a value')
    const both = { ...EMPTY_RECORD, siblings: [one, two] }
    expect(read(both, 'siblings')).to.include({ outcome: 'siblings' })
    expect(read(both, 'lww')?.versions).to.deep.equal(['y:2'])
    const dead = {
      ...EMPTY_RECORD,
      siblings: [
        { ...one, expiresAtMs: 10 },
        { ...two, value: null },
      ],
    }
    expect(read(dead, 'siblings')).to.deep.include({ outcome: 'not_found', versions: [] })
  })
})
