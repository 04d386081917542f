import type { Key } from '../../shared/key.ts'
import { mergeRecords } from '../causality/merge.ts'
import { EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { decodeRecord, encodeRecord } from '../causality/record-codec.ts'
import type { NodeId } from '../ports/network.ts'
import type { FetchResponse } from '../rpc/replica-methods.ts'

/** A fallback stands in for an owner and counts; a node asked for its hints only adds what it has. */
export type ReaderRole = 'owner' | 'fallback' | 'hint'

interface ReadReply {
  readonly node: NodeId
  readonly role: ReaderRole
  readonly bytes: Buffer
}

/** The tally of one read: who has answered what, is that enough, and who must be mended? */
export class GetCore {
  private readonly key: Key
  private readonly r: number
  private readonly replies: ReadReply[] = []
  private owners = 0
  private counted = 0
  private incomplete = 0
  /** Of the first owner's answer. */
  private floor: number | undefined
  private differ = false
  private others = false

  constructor(key: Key, settings: { r: number }) {
    this.key = key
    this.r = settings.r
  }

  /** An owner that is not complete adds what it has, but counts no more than one that keeps hints. */
  replied(node: NodeId, role: ReaderRole, held: Omit<FetchResponse, 'wallMs'>): void {
    const { bytes, floor, complete } = held
    this.replies.push({ node, role, bytes })
    if (role !== 'hint') {
      if (complete) this.counted++
      else this.incomplete++
    }
    if (role !== 'owner') {
      if (bytes.length > 0) this.others = true
      return
    }
    if (complete) this.owners++
    if (this.floor === undefined) this.floor = floor
    else if (this.floor !== floor) this.differ = true
  }

  /** What was answered is not to be merged as it is: an owner's floor may cover what another holder still has. */
  get floorsDiffer(): boolean {
    return this.differ || (this.others && this.floor !== undefined && this.floor !== 0)
  }

  get count(): number {
    return this.counted
  }

  /** Owners that have answered, but whose disks have lost some of what they held. */
  get forgetful(): number {
    return this.incomplete
  }

  get ownersReplied(): number {
    return this.owners
  }

  get enough(): boolean {
    return this.counted >= this.r
  }

  /** The records of all replies in one. Equal bytes are equal records, so most reads decode one of them. */
  merged(): KeyRecord {
    let record = EMPTY_RECORD
    let known: Buffer | undefined
    for (const { bytes } of this.replies) {
      if (bytes.length === 0 || known?.equals(bytes)) continue
      const decoded = decodeRecord(this.key, bytes)
      record = record === EMPTY_RECORD ? decoded : mergeRecords(record, decoded)
      known ??= bytes
    }
    return record
  }

  /** Every reply has the same bytes: nobody is behind. */
  get agreed(): boolean {
    const first = this.replies[0]?.bytes
    return first === undefined || this.replies.every((reply) => reply.bytes.equals(first))
  }

  /** The owners that lack something of the merged record, and its bytes. */
  stale(): { nodes: readonly NodeId[]; bytes: Buffer } {
    const bytes = encodeRecord(this.key, this.merged())
    const behind = this.replies.filter((reply) => reply.role === 'owner' && !reply.bytes.equals(bytes))
    return { nodes: behind.map((reply) => reply.node), bytes }
  }
}
