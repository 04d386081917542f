import type { StorageEntry, StorageOp, StorageRange } from '../../server/ports/storage.ts'

/** One character a byte, so that strings compare as their bytes do. */
function binary(bytes: Buffer): string {
  return bytes.toString('latin1')
}

/** A map from bytes to bytes in byte order: a sorted array of keys beside a hash map. */
export class OrderedBytes {
  private readonly keys: string[]
  private readonly entries: Map<string, StorageEntry>

  constructor(from?: OrderedBytes) {
    this.keys = from === undefined ? [] : [...from.keys]
    this.entries = new Map(from?.entries)
  }

  get(key: Buffer): Buffer | undefined {
    return this.entries.get(binary(key))?.[1]
  }

  range({ gte, lt, limit }: StorageRange): StorageEntry[] {
    const end = this.position(binary(lt))
    const found: StorageEntry[] = []
    for (let at = this.position(binary(gte)); at < end && found.length < limit; at++) {
      found.push(this.entries.get(this.keys[at]!)!)
    }
    return found
  }

  /** Keeps the buffers of the operations. */
  apply(batch: readonly StorageOp[]): void {
    for (const op of batch) {
      const key = binary(op.key)
      const known = this.entries.has(key)
      if (op.type === 'put') {
        if (!known) this.keys.splice(this.position(key), 0, key)
        this.entries.set(key, [op.key, op.value])
      } else if (known) {
        this.keys.splice(this.position(key), 1)
        this.entries.delete(key)
      }
    }
  }

  /** Where `key` stands, or would stand. */
  private position(key: string): number {
    let low = 0
    let high = this.keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return low
  }
}
