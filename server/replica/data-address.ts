import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'

/**
 * Where a key's record lies: 'd', its slot (2 bytes), its bytes. The records of a slot lie together, in byte order,
 * so that a slot can be compared, moved or scanned alone.
 */
export function dataAddress(key: Key): Buffer {
  return slotAddress(slotOf(key), key)
}

/** Where the first key of the slot that is not below `from` would lie. */
export function slotAddress(slot: number, from: string): Buffer {
  const address = Buffer.allocUnsafe(3 + from.length)
  address[0] = 0x64
  address.writeUInt16BE(slot, 1)
  address.write(from, 3, from.length, 'latin1')
  return address
}

/** The first address behind all data. */
export const DATA_END = Buffer.from('e')

export function fromDataAddress(address: Buffer): { slot: number; key: Key } {
  return { slot: address.readUInt16BE(1), key: address.toString('latin1', 3) as Key }
}
