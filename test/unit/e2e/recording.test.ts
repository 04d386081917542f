import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { encodeRecord } from '../../../server/causality/record-codec.ts'
import { dataAddress } from '../../../server/replica/data-address.ts'
import { keyFromText } from '../../../shared/key.ts'
import { Recording } from '../../e2e/histories/recording.ts'
import { Observations } from '../../simulation/observations.ts'

const KEY = keyFromText('k')

describe('Recording', () => {
  let directory: string
  let recording: Recording
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'kvring-recording-'))
    recording = new Recording(directory)
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const address = dataAddress(KEY).toString('base64')
  const record = (counter: number): string => {
    const [dot, stamp] = [
      { actor: 'a', counter },
      { wallMs: counter, logical: 0 },
    ]
    const sibling = { dot, stamp, value: null, expiresAtMs: 0, request: `r${counter}`, attempt: 0 }
    return encodeRecord(KEY, { past: new Map(), siblings: [sibling], retired: [] }).toString('base64')
  }
  /** A process of n1 that sends these batches, and may be cut off in the midst of another. */
  function run(batches: readonly (readonly [string, string | null][])[], cutOff = ''): void {
    const { RECORDING_FILE = '' } = recording.next('n1')
    writeFileSync(RECORDING_FILE, batches.map((batch) => `${JSON.stringify(batch)}\n`).join('') + cutOff)
  }
  const told = () => {
    const observations = new Observations()
    const batches = recording.tell(observations)
    const removed = (observations.removed.get('k') ?? []).flatMap(({ siblings }) => siblings)
    return {
      batches,
      seen: [...observations.byRequest.keys()],
      removed: removed.map(({ request }) => request),
    }
  }

  it('tells of all versions, and of records that were removed, over the lives of a node', () => {
    run([[[address, record(1)]], [[address, record(2)]]], '[["')
    run([[[address, null]]])
    recording.next('n1')
    expect(told()).to.deep.equal({ batches: 3, seen: ['r1', 'r2'], removed: ['r2'] })
  })

  it('goes on from what a disk was put back to', () => {
    run([[[address, record(1)]]])
    const moment = recording.momentOf('n1')
    run([[[address, record(2)]]])
    recording.diskBackTo('n1', moment)
    run([[[address, null]]])
    recording.diskBackTo('n1', 0)
    run([[[address, null]]])
    expect(told()).to.deep.equal({ batches: 4, seen: ['r1', 'r2'], removed: ['r1'] })
  })
})
