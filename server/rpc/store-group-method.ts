import { KvError } from '../../shared/errors.ts'
import { readFailure, writeFailure } from './envelope.ts'
import type { Method } from './method.ts'
import { STORE, type StoreRequest, type StoreResponse } from './replica-methods.ts'

/** Records in one message, at most; at least one. */
export const MAX_GROUP = 512

export interface StoreGroupRequest {
  readonly records: readonly StoreRequest[]
}

/** What became of each record, in their order. */
export interface StoreGroupResponse {
  readonly outcomes: readonly (StoreResponse | KvError)[]
}

/** As STORE, for many records at once; answered when each of them is durable or refused. */
export const STORE_GROUP: Method<StoreGroupRequest, StoreGroupResponse> = {
  id: 13,
  name: 'store-group',
  request: {
    write: (writer, { records }) => {
      writer.u16(records.length)
      for (const record of records) STORE.request.write(writer, record)
    },
    read: (reader) => {
      const count = reader.u16()
      if (count === 0 || count > MAX_GROUP) throw new RangeError(`${count} records in one message`)
      const records: StoreRequest[] = []
      for (let left = count; left > 0; left--) records.push(STORE.request.read(reader))
      return { records }
    },
  },
  response: {
    write: (writer, { outcomes }) => {
      writer.u16(outcomes.length)
      for (const outcome of outcomes) {
        writer.flag(outcome instanceof KvError)
        if (outcome instanceof KvError) writeFailure(writer, outcome)
        else STORE.response.write(writer, outcome)
      }
    },
    read: (reader) => {
      const outcomes: (StoreResponse | KvError)[] = []
      for (let left = reader.u16(); left > 0; left--)
        outcomes.push(reader.flag() ? readFailure(reader) : STORE.response.read(reader))
      return { outcomes }
    },
  },
}
