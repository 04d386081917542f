import type { Key } from './key.ts'

/** As many as in Redis Cluster, whose function this is too, so that its clients find the owners of a key. */
export const SLOTS = 16_384

const OPEN = 0x7b

/** CRC-16/XMODEM of every single byte: polynomial 0x1021, from 0, not reflected. */
const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

/**
 * The slot of a key, from 0 to SLOTS - 1. Keys that have the same text between their first `{` and the `}` after
 * it are in one slot; where there is no such text, or it is empty, the whole key counts.
 */
export function slotOf(key: Key): number {
  let from = 0
  let to = key.length
  for (let i = 0; i < key.length; i++) {
    if (key.charCodeAt(i) !== OPEN) continue
    const close = key.indexOf('}', i + 1)
    if (close > i + 1) {
      from = i + 1
      to = close
    }
    break
  }
  let crc = 0
  for (let i = from; i < to; i++)
    crc = ((crc << 8) & 0xffff) ^ (CRC16[(crc >> 8) ^ key.charCodeAt(i)] as number)
  return crc & (SLOTS - 1)
}
