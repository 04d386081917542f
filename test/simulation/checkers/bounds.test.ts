import { expect } from 'chai'
import { MAX_SIBLINGS } from '../../../server/causality/record.ts'
import { encodeRecord } from '../../../server/causality/record-codec.ts'
import { keyFromText } from '../../../shared/key.ts'
import { Observations } from '../observations.ts'
import { bounds } from './bounds.ts'
import { Story } from './story.ts'

const KEY = keyFromText('k')

describe('the checker of bounds', () => {
  const said = (fields: Partial<Story['evidence']>): string =>
    bounds({ ...new Story().evidence, ...fields })
      .map(({ message }) => message)
      .join('\n')

  /** Observations of one record with so many values of one writer. */
  function observed(count: number): Observations {
    const observations = new Observations()
    const siblings = Array.from({ length: count }, (_, i) => {
      const [dot, stamp] = [
        { actor: 'a', counter: i + 1 },
        { wallMs: 1, logical: 0 },
      ]
      return { dot, stamp, value: Buffer.from(`${i}`), expiresAtMs: 0, request: '', attempt: 0 }
    })
    observations.read(KEY, encodeRecord(KEY, { past: new Map(), siblings, retired: [] }))
    return observations
  }

  it('is content with what has just reached its bound', () => {
    const gauges = [{ name: 'hint_bytes', node: 'n1', most: 100, bound: 100 }]
    expect(said({ gauges, observations: observed(MAX_SIBLINGS) })).to.equal('')
  })

  it('lets one hint reach over the bound, unless there may be none, and nothing else', () => {
    const gauge = (name: string, most: number, bound: number) =>
      said({ gauges: [{ name, node: 'n1', most, bound }], observations: observed(1) })
    expect(gauge('hint_bytes', 110, 100)).to.equal('')
    expect(gauge('hint_bytes', 200, 100)).to.equal('n1 has had 200 of hint_bytes, and may have 100')
    expect(gauge('hint_bytes', 10, 0)).to.match(/may have 0$/)
    expect(gauge('record_cache_bytes', 101, 100)).to.match(/may have 100$/)
  })

  it('flags a record with too many values of one writer', () => {
    expect(said({ observations: observed(MAX_SIBLINGS + 1) })).to.match(/101 values of one writer/)
  })
})
