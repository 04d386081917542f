import { KvError, toKvError } from '../../shared/errors.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { Layout } from '../membership/layout.ts'
import type { NodeId } from '../ports/network.ts'
import type { Floors } from '../replica/floors.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import { FLOOR } from '../rpc/collection-methods.ts'
import type { Reply, Rpc } from '../rpc/method.ts'
import {
  BUCKETS,
  type BucketsRequest,
  type DigestList,
  KEYS,
  type KeysRequest,
  type KeysResponse,
  TREE,
  type TreeRequest,
} from '../rpc/repair-methods.ts'
import { BucketSet, MAX_BUCKETS } from './buckets.ts'
import type { SharedSlots } from './shared-slots.ts'
import type { SlotReader } from './slot-reader.ts'

/** What the ring looks like now. */
export interface RingSource {
  layout(): Layout | undefined
  slots(): SlotTable | undefined
  reachable(id: NodeId): boolean
  /** Nodes in reach that say they keep hints for the owner. */
  hintHolders(owner: NodeId): readonly NodeId[]
  /** Hints for the owner may lie with nodes out of reach. */
  mayHoldHintsElsewhere(owner: NodeId): boolean
}

export interface ExchangeServerComponents {
  readonly ring: RingSource
  readonly shared: SharedSlots
  readonly reader: SlotReader
  readonly floors: Floors
  /** Whether this node is mending with the peer, on its own account, right now. */
  readonly mendingWith: (peer: NodeId) => boolean
}

/** Slots that are read for peers at a time; one more is refused. */
const MAX_READING = 128
/** Records looked at for one answer, at least: a page of the reader's may follow. */
const MAX_LOOKED_AT = 2_000
const MAX_ENTRIES = 1_000

/** Answers the peers that compare their data with this node's. Nothing is kept between two requests. */
export class ExchangeServer {
  private readonly components: ExchangeServerComponents
  private readonly self: NodeId
  private reading = 0

  constructor(components: ExchangeServerComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
  }

  serve(rpc: Rpc): void {
    rpc.handle(TREE, (from, request, reply) => {
      try {
        reply(undefined, this.tree(from, request))
      } catch (error) {
        reply(usage(error))
      }
    })
    rpc.handle(FLOOR, (_from, { slot }, reply) => reply(undefined, this.components.floors.of(slot)))
    rpc.handle(BUCKETS, (from, request, reply) => this.read(from, reply, () => this.buckets(request)))
    rpc.handle(KEYS, (from, request, reply) => this.read(from, reply, () => this.keys(request)))
  }

  private tree(from: NodeId, { layoutVersion, level, nodes }: TreeRequest): DigestList {
    const { ring, shared } = this.components
    const table = ring.slots()
    const version = ring.layout()?.version ?? 0
    if (table === undefined || version !== layoutVersion)
      throw new KvError('conflict', `the layout here is ${version}, and ${layoutVersion} there`)
    return shared.digests(from, table, level, nodes)
  }

  private async buckets({ slot, buckets }: BucketsRequest): Promise<DigestList> {
    check(slot, buckets)
    return this.components.reader.bucketSums(slot, buckets, () => Promise.resolve())
  }

  private async keys({ slot, buckets, wanted, after }: KeysRequest): Promise<KeysResponse> {
    check(slot, buckets)
    // The request shares memory with other messages.
    const selection = { slot, buckets, wanted: new BucketSet(Buffer.from(wanted)) }
    const entries: KeysResponse['entries'][number][] = []
    let at = after
    let lookedAt = 0
    while (lookedAt < MAX_LOOKED_AT && entries.length < MAX_ENTRIES) {
      const page = await this.components.reader.page(selection, at)
      entries.push(...page.entries)
      at = page.after
      lookedAt += page.lookedAt
      if (page.end) return { entries, after: at, end: true }
    }
    return { entries, after: at, end: false }
  }

  private read<Response>(from: NodeId, reply: Reply<Response>, run: () => Promise<Response>): void {
    const refusal = this.refusal(from)
    if (refusal !== undefined) return reply(refusal)
    this.reading++
    run().then(
      (response) => {
        this.reading--
        reply(undefined, response)
      },
      (error) => {
        this.reading--
        reply(usage(error))
      },
    )
  }

  /** Of two nodes that would mend the same differences at once, the one with the lower id does. */
  private refusal(from: NodeId): KvError | undefined {
    if (this.self < from && this.components.mendingWith(from))
      return new KvError('overloaded', `${this.self} is mending the same differences`)
    if (this.reading >= MAX_READING)
      return new KvError('overloaded', `${MAX_READING} slots are being read for peers`)
    return undefined
  }
}

function check(slot: number, buckets: number): void {
  const power = buckets >= 1 && buckets <= MAX_BUCKETS && (buckets & (buckets - 1)) === 0
  if (slot >= SLOTS || !power) throw new RangeError(`there is no slot ${slot} with ${buckets} buckets`)
}

function usage(error: unknown): KvError {
  return error instanceof RangeError ? new KvError('usage', error.message) : toKvError(error)
}
