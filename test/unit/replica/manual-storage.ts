import type { Storage, StorageEntry, StorageOp, StorageRange } from '../../../server/ports/storage.ts'
import type { KvError } from '../../../shared/errors.ts'

/** A storage whose commits wait until the test lets them through or fails them. */
export class ManualStorage implements Storage {
  readonly durable = new Map<string, Buffer>()
  readonly flights: { batch: readonly StorageOp[]; resolve: () => void; reject: (error: Error) => void }[] =
    []
  short: KvError | undefined

  shortage(): KvError | undefined {
    return this.short
  }

  get(key: Buffer): Buffer | undefined {
    return this.durable.get(key.toString('latin1'))
  }

  /** A disk with the same content. */
  copy(): ManualStorage {
    const copy = new ManualStorage()
    for (const [key, value] of this.durable) copy.durable.set(key, value)
    return copy
  }

  iterate(_range: StorageRange): Promise<StorageEntry[]> {
    return Promise.resolve([])
  }

  commit(batch: readonly StorageOp[]): Promise<void> {
    return new Promise((resolve, reject) => this.flights.push({ batch, resolve, reject }))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** Lets the oldest commit through, and everything that follows from it. */
  async land(): Promise<readonly StorageOp[]> {
    const flight = this.flights.shift()
    if (flight === undefined) throw new Error('no commit is under way')
    for (const op of flight.batch) {
      if (op.type === 'put') this.durable.set(op.key.toString('latin1'), op.value)
      else this.durable.delete(op.key.toString('latin1'))
    }
    flight.resolve()
    await settle()
    return flight.batch
  }

  async fail(): Promise<void> {
    this.flights.shift()?.reject(new Error('the disk is gone'))
    await settle()
  }
}

/** Lets all promise callbacks that are due run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
