import type { Method } from './method.ts'

export interface MarkRequest {
  /** At most MAX_MARKS of them. */
  readonly slots: readonly number[]
}

export const MAX_MARKS = 1024

/** An owner of the slots takes over their marks for repair; answered when they are durable there. */
export const MARK: Method<MarkRequest, void> = {
  id: 41,
  name: 'mark',
  request: {
    write: (writer, { slots }) => {
      writer.u16(slots.length)
      for (const slot of slots) writer.u16(slot)
    },
    read: (reader) => {
      const count = reader.u16()
      if (count > MAX_MARKS) throw new RangeError(`${count} marks in one message`)
      return { slots: Array.from({ length: count }, () => reader.u16()) }
    },
  },
  response: { write: () => undefined, read: () => undefined },
}
