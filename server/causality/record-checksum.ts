import { crc32 } from 'node:zlib'
import type { Key } from '../../shared/key.ts'

export const CHECKSUM_BYTES = 4

/** What crc32 gives for any bytes with their own crc32, lowest byte first, after them. */
const RESIDUE = 0x2144_df1c

const CRC32 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1
  return crc
})

/** Puts the crc32 of the key and of all that stands before into the last four bytes. */
export function seal(key: Key, bytes: Buffer): void {
  const at = bytes.length - CHECKSUM_BYTES
  bytes.writeUInt32LE(crc32(new Uint8Array(bytes.buffer, bytes.byteOffset, at), crcOfKey(key)), at)
}

/** Whether `bytes` were sealed under this key, and no burst of up to 32 bits has changed since. */
export function isSealed(key: Key, bytes: Buffer): boolean {
  return bytes.length >= CHECKSUM_BYTES && crc32(bytes, crcOfKey(key)) === RESIDUE
}

/** For some tens of bytes a loop is twice as fast as a native call. */
function crcOfKey(key: Key): number {
  let crc = 0xffff_ffff
  for (let i = 0; i < key.length; i++) crc = (CRC32[(crc ^ key.charCodeAt(i)) & 0xff] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}
