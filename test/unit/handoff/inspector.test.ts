import { expect } from 'chai'
import { EMPTY_RECORD, type KeyRecord } from '../../../server/causality/record.ts'
import type { HintStore } from '../../../server/handoff/hint-store.ts'
import { Inspector } from '../../../server/handoff/inspector.ts'
import type { StagedRecords } from '../../../server/replica/staged-records.ts'
import { INSPECT, type Inspection } from '../../../server/rpc/inspect-method.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { ByteReader, ByteWriter } from '../../../shared/wire.ts'
import { encodedOf, recordOf } from '../records.ts'

const key = keyFromText('k')

function records(record: KeyRecord | KvError): StagedRecords {
  const durable = () => {
    if (record instanceof KvError) throw record
    return record
  }
  return { durable } as unknown as StagedRecords
}

function inspectorOf(data: KeyRecord | KvError, hints: Record<string, KeyRecord | KvError>): Inspector {
  const store = {
    targetsOf: () => Object.keys(hints),
    records: (target: string) => records(hints[target] as KeyRecord),
  }
  const completeness = { of: () => true }
  return new Inspector({ data: records(data), hints: store as unknown as HintStore, completeness })
}

describe('what a node tells of a key', () => {
  it('has its data and its hints apart', () => {
    const inspector = inspectorOf(recordOf('a', 1), { b: recordOf('a', 2), c: EMPTY_RECORD })
    expect(inspector.inspect(key)).to.deep.equal({
      data: encodedOf(key, 'a', 1),
      hints: [{ target: 'b', bytes: encodedOf(key, 'a', 2) }],
      damage: '',
      complete: true,
    })
  })

  it('names what is damaged, and has the rest', () => {
    const damaged = new KvError('storage_failed', 'it fails its checksum')
    const { data, hints, damage } = inspectorOf(damaged, { b: damaged, c: recordOf('a', 2) }).inspect(key)
    expect(data).to.have.length(0)
    expect(hints.map(({ target }) => target)).to.deep.equal(['c'])
    expect(damage).to.equal('data: it fails its checksum; hint for b: it fails its checksum')
  })

  it('goes over the wire as it is', () => {
    const inspection = {
      data: Buffer.of(1),
      hints: [{ target: 'b', bytes: Buffer.of(2, 3) }],
      damage: 'ouch',
      complete: false,
    }
    const writer = new ByteWriter()
    INSPECT.response.write(writer, inspection)
    const reader = new ByteReader(writer.finish())
    const read: Inspection = INSPECT.response.read(reader)
    reader.done()
    expect(read).to.deep.equal(inspection)
  })
})
