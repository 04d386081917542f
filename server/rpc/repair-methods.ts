import type { Key } from '../../shared/key.ts'
import type { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Method } from './method.ts'

/** Nodes of a tree, or buckets of a slot, in one message. */
export const MAX_DIGESTS = 4096
const DIGEST_WORDS = 3

export interface TreeRequest {
  /** Both sides must mean the same slots: those that the two of them own by this layout. */
  readonly layoutVersion: number
  /** 0 is that of the slots themselves. */
  readonly level: number
  readonly nodes: readonly number[]
}

/** Three words for each: the two halves of a digest, and how many records are in it. */
export interface DigestList {
  readonly words: Uint32Array
}

export interface BucketsRequest {
  readonly slot: number
  /** A power of two. */
  readonly buckets: number
}

export interface KeysRequest {
  readonly slot: number
  readonly buckets: number
  /** Bits of the buckets that are asked for. */
  readonly wanted: Buffer
  /** Keys above this one; '' for all. */
  readonly after: string
}

export interface KeyDigest {
  readonly key: Key
  readonly lo: number
  readonly hi: number
}

export interface KeysResponse {
  /** In byte order. */
  readonly entries: readonly KeyDigest[]
  /** Everything up to and with this key has been looked at. */
  readonly after: string
  /** Nothing lies behind it. */
  readonly end: boolean
}

/** Digests of nodes of the Merkle tree over the slots that the two nodes share. */
export const TREE: Method<TreeRequest, DigestList> = {
  id: 30,
  name: 'tree',
  request: {
    write: (writer, { layoutVersion, level, nodes }) => {
      writer.u53(layoutVersion).u8(level).u16(nodes.length)
      for (const node of nodes) writer.u16(node)
    },
    read: (reader) => ({
      layoutVersion: reader.u53(),
      level: reader.u8(),
      nodes: Array.from({ length: bounded(reader.u16()) }, () => reader.u16()),
    }),
  },
  response: { write: writeDigests, read: readDigests },
}

/** Digests of the buckets of a slot that is too large to be listed whole. */
export const BUCKETS: Method<BucketsRequest, DigestList> = {
  id: 31,
  name: 'buckets',
  request: {
    write: (writer, { slot, buckets }) => void writer.u16(slot).u16(buckets),
    read: (reader) => ({ slot: reader.u16(), buckets: reader.u16() }),
  },
  response: { write: writeDigests, read: readDigests },
}

/** The keys of some buckets of a slot, with their records' digests, page by page. */
export const KEYS: Method<KeysRequest, KeysResponse> = {
  id: 32,
  name: 'keys',
  request: {
    write: (writer, { slot, buckets, wanted, after }) =>
      void writer.u16(slot).u16(buckets).bytes(wanted).byteString(after),
    read: (reader) => ({
      slot: reader.u16(),
      buckets: reader.u16(),
      wanted: reader.bytes(),
      after: reader.byteString(),
    }),
  },
  response: {
    write: (writer, { entries, after, end }) => {
      writer.u16(entries.length)
      for (const { key, lo, hi } of entries) writer.byteString(key).u32(lo).u32(hi)
      writer.byteString(after).flag(end)
    },
    read: (reader) => {
      const entries: KeyDigest[] = []
      for (let left = reader.u16(); left > 0; left--)
        entries.push({ key: reader.byteString() as Key, lo: reader.u32(), hi: reader.u32() })
      return { entries, after: reader.byteString(), end: reader.flag() }
    },
  },
}

function writeDigests(writer: ByteWriter, { words }: DigestList): void {
  writer.u16(words.length / DIGEST_WORDS)
  for (const word of words) writer.u32(word)
}

function readDigests(reader: ByteReader): DigestList {
  const words = new Uint32Array(bounded(reader.u16()) * DIGEST_WORDS)
  for (let i = 0; i < words.length; i++) words[i] = reader.u32()
  return { words }
}

/** @throws RangeError over the limit: a peer must not make this node allocate at will. */
function bounded(count: number): number {
  if (count > MAX_DIGESTS) throw new RangeError(`a list of ${count}, of at most ${MAX_DIGESTS}`)
  return count
}
