import { toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { SLOTS } from '../../shared/slot.ts'
import { CorruptRecord, decodeRecord, encodeRecord } from '../causality/record-codec.ts'
import type { Storage } from '../ports/storage.ts'
import type { Rpc } from '../rpc/method.ts'
import { SCAN, type ScanRequest, type ScanResponse } from '../rpc/replica-methods.ts'
import { DATA_END, fromDataAddress, slotAddress } from './data-address.ts'

/** Records read for one page at the most, whether they match or not: bounds the work of one request. */
const MAX_READ = 2_000
/** Bytes of records in one page, about. */
const MAX_BYTES = 4 * 1024 * 1024

/** Up to this size a record is sent as it is, values or not: taking it apart costs more than sending it. */
const SMALL_BYTES = 1_024

/** Answers a peer's scan of this node's data, page by page. */
export class DataScan {
  private readonly storage: Storage
  private readonly complete: () => boolean

  /** `complete` as in FetchResponse, of any slot. */
  constructor(components: { storage: Storage; complete: () => boolean }) {
    this.storage = components.storage
    this.complete = components.complete
  }

  serve(rpc: Rpc): void {
    rpc.handle(SCAN, (_from, request, reply) => {
      this.page(request).then(
        (response) => reply(undefined, response),
        (error) => reply(toKvError(error)),
      )
    })
  }

  async page(request: ScanRequest): Promise<ScanResponse> {
    return { ...(await this.read(request)), complete: this.complete() }
  }

  private async read({
    slot,
    after,
    prefix,
    limit,
    values,
  }: ScanRequest): Promise<Omit<ScanResponse, 'complete'>> {
    const start = slotAddress(slot, after)
    const gte = after === '' ? start : Buffer.concat([start, Buffer.of(0)])
    const found = await this.storage.iterate({ gte, lt: DATA_END, limit: MAX_READ })
    const entries: { slot: number; key: Key; bytes: Buffer }[] = []
    let bytes = 0
    for (const entry of found) {
      const place = fromDataAddress(entry[0])
      if (place.key.startsWith(prefix)) {
        const record =
          values || entry[1].length <= SMALL_BYTES ? entry[1] : withoutValues(place.key, entry[1])
        entries.push({ ...place, bytes: record })
        bytes += record.length
      }
      if (entries.length >= limit || bytes > MAX_BYTES) return { entries, slot: place.slot, after: place.key }
    }
    const last = found.at(-1)
    if (last === undefined) return { entries, slot: SLOTS, after: '' }
    const place = fromDataAddress(last[0])
    return { entries, slot: place.slot, after: place.key }
  }
}

/** The record with empty values in the place of its values: enough to tell which versions it has. */
function withoutValues(key: Key, bytes: Buffer): Buffer {
  try {
    const record = decodeRecord(key, bytes)
    const siblings = record.siblings.map((sibling) =>
      sibling.value === null ? sibling : { ...sibling, value: Buffer.alloc(0) },
    )
    return encodeRecord(key, { ...record, siblings })
  } catch (error) {
    if (error instanceof CorruptRecord) return bytes
    throw error
  }
}
