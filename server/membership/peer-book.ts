import { toKvError } from '../../shared/errors.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import { type PeerAddress, readAddress, readList, writeAddress } from './heartbeat.ts'
import { MAX_MEMBERS } from './layout.ts'

const KEY = Buffer.from('mpeers')
const FORMAT = 1

/** Addresses change rarely; however often they do, they are written at most this often. */
const WRITE_INTERVAL_MS = 10_000

export interface PeerBookEntry {
  /** The ring that this node has heard of; '' for none. A node that knows of a ring never founds another. */
  readonly ringSeen: string
  readonly addresses: readonly PeerAddress[]
}

/** The last known addresses of peers, on disk: a restarted node finds them without discovery. */
export class PeerBook {
  private readonly storage: Storage
  private readonly trace: Trace
  private written = ''
  private writtenMs = Number.NEGATIVE_INFINITY
  private writing = false

  constructor(components: { storage: Storage; trace: Trace }) {
    this.storage = components.storage
    this.trace = components.trace
  }

  /** What is unreadable is as good as nothing: discovery finds the peers again. */
  load(): PeerBookEntry {
    const bytes = this.storage.get(KEY)
    if (bytes === undefined) return { ringSeen: '', addresses: [] }
    try {
      const entry = decodePeerBook(bytes)
      this.written = bytes.toString('latin1')
      return entry
    } catch (error) {
      this.trace.event('warn', 'peers.unreadable', { why: toKvError(error).message })
      return { ringSeen: '', addresses: [] }
    }
  }

  /** Writes the addresses if they differ from what is stored and the last write is long enough ago. */
  save(entry: PeerBookEntry, nowMs: number): void {
    if (this.writing || nowMs - this.writtenMs < WRITE_INTERVAL_MS) return
    const bytes = encodePeerBook(entry)
    const text = bytes.toString('latin1')
    if (text === this.written) return
    this.writing = true
    this.writtenMs = nowMs
    void this.commit(bytes, text)
  }

  private async commit(bytes: Buffer, text: string): Promise<void> {
    try {
      await this.storage.commit([{ type: 'put', key: KEY, value: bytes }])
      this.written = text
    } catch (error) {
      this.trace.event('error', 'peers.not_stored', { why: toKvError(error).message })
    } finally {
      this.writing = false
    }
  }
}

export function encodePeerBook({ ringSeen, addresses }: PeerBookEntry): Buffer {
  const writer = new ByteWriter().u8(FORMAT).text(ringSeen).u16(addresses.length)
  for (const { id, address } of addresses) writeAddress(writer.text(id), address)
  return writer.finish()
}

/** @throws RangeError where the bytes are not a peer book. */
export function decodePeerBook(bytes: Buffer): PeerBookEntry {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format !== FORMAT)
    throw new RangeError(`peer addresses in format ${format}; this version reads ${FORMAT}`)
  const ringSeen = reader.text()
  const addresses = readList(reader.u16(), MAX_MEMBERS, () => ({
    id: reader.text(),
    address: readAddress(reader),
  }))
  reader.done()
  return { ringSeen, addresses }
}
