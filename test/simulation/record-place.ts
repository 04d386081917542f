import type { StorageRange } from '../../server/ports/storage.ts'
import { DATA_END, fromDataAddress, slotAddress } from '../../server/replica/data-address.ts'
import type { Key } from '../../shared/key.ts'

const DATA = 'd'.charCodeAt(0)
const HINT = 'h'.charCodeAt(0)
const LAYOUT = Buffer.from('mlayout')

/** Where nodes keep records on their disks: the data that they own, and hints. */
export const DATA_RECORDS: StorageRange = { gte: slotAddress(0, ''), lt: DATA_END, limit: 1e9 }
export const HINT_RECORDS: StorageRange = { gte: Buffer.from('h'), lt: Buffer.from('i'), limit: 1e9 }

/** The key of a record at this address, among the data or the hints; undefined where something else lies there. */
export function recordAt(address: Buffer): Key | undefined {
  if (address[0] === DATA) return fromDataAddress(address).key
  if (address[0] === HINT) return address.toString('latin1', address.indexOf(0) + 3) as Key
  return undefined
}

/** Whether a node keeps the layout that it goes by there. */
export function isLayout(address: Buffer): boolean {
  return address.equals(LAYOUT)
}

/** The slot of a record among the data. */
export function slotAt(address: Buffer): number | undefined {
  return address[0] === DATA ? fromDataAddress(address).slot : undefined
}
