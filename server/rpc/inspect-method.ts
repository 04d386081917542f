import type { Key } from '../../shared/key.ts'
import type { Method } from './method.ts'

export interface InspectRequest {
  readonly key: Key
}

export interface Inspection {
  /** An encoded record; empty where the node holds none as its own data. */
  readonly data: Buffer
  readonly hints: readonly { readonly target: string; readonly bytes: Buffer }[]
  /** What the node's disk cannot be trusted with; '' where there is nothing such. */
  readonly damage: string
  /** As in FetchResponse. */
  readonly complete: boolean
}

/** What the receiver holds durably of a key: its data and, apart from them, its hints. */
export const INSPECT: Method<InspectRequest, Inspection> = {
  id: 40,
  name: 'inspect',
  request: {
    write: (writer, { key }) => void writer.byteString(key),
    read: (reader) => ({ key: reader.byteString() as Key }),
  },
  response: {
    write: (writer, { data, hints, damage, complete }) => {
      writer.bytes(data).u16(hints.length)
      for (const { target, bytes } of hints) writer.text(target).bytes(bytes)
      writer.text(damage).flag(complete)
    },
    read: (reader) => {
      const data = reader.bytes()
      const hints = []
      for (let left = reader.u16(); left > 0; left--)
        hints.push({ target: reader.text(), bytes: reader.bytes() })
      return { data, hints, damage: reader.text(), complete: reader.flag() }
    },
  },
}
