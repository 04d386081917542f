import type { Key } from '../../shared/key.ts'
import { CHECKSUM_BYTES } from '../causality/record-checksum.ts'

/** The beginning of a record, where its versions are named, is hashed apart from its checksum, up to this. */
const HEAD_BYTES = 48

/**
 * The digest of one record, 64 bits in two halves: of its key, of the versions that it begins with, and of its
 * checksum, which is there already and covers all the rest. Mixed so that sums of digests say nothing of each other:
 * checksums by themselves are linear, and two changes could cancel out.
 *
 * One object is filled again and again: it is needed for every record that is written.
 */
export class RecordDigest {
  lo = 0
  hi = 0
  /** Of the key alone: which bucket of its slot it belongs to. */
  keyHash = 0

  /** @param bytes as encodeRecord makes them. */
  read(key: Key, bytes: Buffer): this {
    const end = bytes.length - CHECKSUM_BYTES
    const head = Math.min(end, HEAD_BYTES)
    let hash = 0x811c_9dc5
    for (let i = 0; i < head; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x0100_0193)
    const checksum =
      (bytes[end] as number) |
      ((bytes[end + 1] as number) << 8) |
      ((bytes[end + 2] as number) << 16) |
      ((bytes[end + 3] as number) << 24)
    const keyHash = hashKey(key)
    this.keyHash = keyHash
    this.lo = scramble(checksum ^ Math.imul(keyHash, 0x9e37_79b1))
    this.hi = scramble((hash + Math.imul(keyHash, 0x85eb_ca77)) ^ ((checksum << 16) | (checksum >>> 16)))
    return this
  }
}

/** FNV-1a, and the finishing steps of MurmurHash3 for its low bits. */
export function hashKey(key: Key): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193)
  return scramble(hash)
}

/** The 32-bit finalizer of MurmurHash3: every bit of the input changes half of the bits of the outcome. */
export function scramble(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
