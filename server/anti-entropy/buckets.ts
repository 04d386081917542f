/** Records of a slot that are listed without splitting it first. */
const UNSPLIT = 256
/** Records of a bucket, about. */
const BUCKET_RECORDS = 64
/** So that the digests of one slot's buckets fit one message. */
export const MAX_BUCKETS = 4096

/** Into how many buckets owners split a slot of which one of them holds `records`: a power of two. */
export function bucketsFor(records: number): number {
  if (records <= UNSPLIT) return 1
  let buckets = 2
  while (buckets < MAX_BUCKETS && buckets * BUCKET_RECORDS < records) buckets *= 2
  return buckets
}

/** By the low bits of the key's hash. */
export function bucketOf(keyHash: number, buckets: number): number {
  return keyHash & (buckets - 1)
}

/** A set of buckets, one bit each. */
export class BucketSet {
  readonly bits: Buffer

  constructor(bits: Buffer) {
    this.bits = bits
  }

  static of(buckets: number, members: readonly number[]): BucketSet {
    const set = new BucketSet(Buffer.alloc(Math.ceil(buckets / 8)))
    for (const bucket of members)
      set.bits[bucket >> 3] = (set.bits[bucket >> 3] as number) | (1 << (bucket & 7))
    return set
  }

  has(bucket: number): boolean {
    return ((this.bits[bucket >> 3] ?? 0) & (1 << (bucket & 7))) !== 0
  }
}
