import { KvError } from '../../shared/errors.ts'
import { floorDigest, reaches } from '../causality/floor.ts'
import type { Burial } from '../replica/burial.ts'
import type { Floors } from '../replica/floors.ts'
import { FLOOR } from '../rpc/collection-methods.ts'
import { BUCKETS, KEYS, type KeysResponse, TREE } from '../rpc/repair-methods.ts'
import { BucketSet, bucketsFor } from './buckets.ts'
import type { Gate } from './gate.ts'
import { type KeyPages, keyDifferences } from './key-differences.ts'
import { DIGEST_WORDS, DigestSums } from './leaves.ts'
import type { Mender } from './mender.ts'
import type { MerkleTree } from './merkle-tree.ts'
import type { Pace } from './pace.ts'
import type { PeerLink } from './peer-link.ts'
import type { SharedSlots } from './shared-slots.ts'
import type { Selection, SlotReader } from './slot-reader.ts'

export interface ExchangeComponents {
  readonly link: PeerLink
  /** Of the records of each slot. */
  readonly sums: DigestSums
  readonly shared: Pick<SharedSlots, 'same'>
  /** Over the slots, as they are now. */
  readonly tree: () => MerkleTree
  readonly reader: SlotReader
  readonly floors: Floors
  readonly burial: Burial
  /** Each mends one slot at a time. */
  readonly menders: readonly Mender[]
  readonly pace: Pace
  readonly gate: Gate
}

export interface ExchangeSettings {
  readonly layoutVersion: number
  /** Those that both own, rising. */
  readonly slots: readonly number[]
  /** Before what differs is compared again: writes under way have arrived everywhere by then. */
  readonly recheckMs: number
  /** The first of the slots to mend, from 0 up to their number: not the same for all peers. */
  readonly begin: number
}

const TIMEOUT_MS = 10_000
/** For a peer to read all of a large slot. */
const READ_TIMEOUT_MS = 60_000
/** Nodes of the tree in one message. */
const MAX_NODES = 1024
/** Records that are read cost about as much as one that is mended. */
const READS_PER_UNIT = 50
/** So do slots of which only the floor is taken over: two questions each, and a few bytes to write. */
const SLOTS_PER_UNIT = 20

/**
 * Compares what this node and a peer hold of the slots that both own, and mends what differs (the anti-entropy of
 * Demers et al., "Epidemic Algorithms for Replicated Database Maintenance", 1987, along hash trees): down the
 * branches of the tree that differ, then through the keys of the slots that differ, and of a large slot only
 * through the buckets that do. Where it is cut off, the next one finds what is left.
 */
export class Exchange {
  /** Slots that were found different and are not mended yet. */
  readonly outstanding = new Set<number>()
  /** Slots that were found different. */
  differing = 0
  private readonly components: ExchangeComponents
  private readonly settings: ExchangeSettings

  constructor(components: ExchangeComponents, settings: ExchangeSettings) {
    this.components = components
    this.settings = settings
  }

  /** @returns whether the two differ. @throws KvError, CalledOff */
  async compare(): Promise<boolean> {
    const { pace, gate } = this.components
    const first = await this.descend()
    if (first.length === 0) return false
    await pace.rest(this.settings.recheckMs)
    await gate.pass()
    const still = await this.differingAt(0, first)
    for (const index of still) this.outstanding.add(this.settings.slots[index] as number)
    this.differing = still.length
    return still.length > 0
  }

  /** Mends what `compare` has found. @throws KvError, CalledOff */
  async mend(): Promise<void> {
    const { slots, begin } = this.settings
    const due = slots.flatMap((slot, index) => (this.outstanding.has(slot) ? [index] : []))
    const first = due.findIndex((index) => index >= begin)
    const rotated = first <= 0 ? due : [...due.slice(first), ...due.slice(0, first)]
    let failed = false
    const work = async (mender: Mender): Promise<void> => {
      for (let index = rotated.shift(); index !== undefined && !failed; index = rotated.shift()) {
        await this.components.gate.pass()
        if (await this.mendSlot(index, mender)) this.outstanding.delete(slots[index] as number)
      }
    }
    const stop = (error: unknown) => {
      failed = true
      throw error
    }
    await Promise.all(this.components.menders.map((mender) => work(mender).catch(stop)))
  }

  /** @returns the indices of the slots that differ. */
  private async descend(): Promise<number[]> {
    const top = this.components.tree().height - 1
    let nodes = await this.differingAt(top, [0])
    for (let level = top; level > 0 && nodes.length > 0; level--) {
      await this.components.gate.pass()
      nodes = await this.differingAt(level - 1, this.components.tree().children(level, nodes))
    }
    return nodes
  }

  /** Those of the nodes that differ. Each answer is compared with what is here when it arrives. */
  private async differingAt(level: number, nodes: readonly number[]): Promise<number[]> {
    const differing: number[] = []
    for (let at = 0; at < nodes.length; at += MAX_NODES) {
      const some = nodes.slice(at, at + MAX_NODES)
      const theirs = await this.askTree(level, some)
      differing.push(...this.components.tree().differing(level, some, theirs))
    }
    return differing
  }

  /**
   * Where only the floors differ no record is looked at: what the peer knows of what it does not hold any more goes
   * for whoever holds the same.
   * @returns whether this node has all that the peer has of the slot, as far as it can tell.
   */
  private async mendSlot(index: number, mender: Mender): Promise<boolean> {
    const { shared, link, floors, burial, pace } = this.components
    const slot = this.settings.slots[index] as number
    await pace.take(1 / SLOTS_PER_UNIT)
    const theirs = await this.askTree(0, [index])
    if (shared.same(slot, theirs)) return true
    const floor = await link.ask(FLOOR, { slot }, TIMEOUT_MS)
    const digest = floorDigest(floor)
    if (reaches(floors.of(slot), floor))
      return shared.same(slot, theirs, digest) || this.mendKeys(slot, theirs, mender, false)
    floors.adopt(slot, floor)
    try {
      const mended = shared.same(slot, theirs, digest) || (await this.mendKeys(slot, theirs, mender, true))
      // The slot may have lost something meanwhile.
      if (!mended || floors.adopting(slot) !== floor) return false
      floors.raise(slot, floor)
    } finally {
      floors.giveUp(slot)
    }
    await burial.bury([slot])
    return true
  }

  private async mendKeys(
    slot: number,
    theirs: DigestSums,
    mender: Mender,
    behind: boolean,
  ): Promise<boolean> {
    const { sums, pace } = this.components
    const records = Math.max(sums.count(slot), theirs.count(0))
    const selection = await this.select(slot, bucketsFor(records))
    const ours: KeyPages = async (after) => {
      const page = await this.components.reader.page(selection, after)
      await pace.take(page.lookedAt / READS_PER_UNIT)
      return page
    }
    const there: KeyPages = theirs.count(0) === 0 ? noKeys : (after) => this.askKeys(selection, after)
    for await (const difference of keyDifferences(ours, there)) {
      await this.components.gate.pass()
      await mender.mend(difference, behind)
    }
    return (await mender.drain()) === 0
  }

  /** All of a small slot; of a large one the buckets that differ. */
  private async select(slot: number, buckets: number): Promise<Selection> {
    if (buckets === 1) return { slot, buckets, wanted: BucketSet.of(1, [0]) }
    const { link, reader, pace } = this.components
    const [ours, theirs] = await Promise.all([
      reader.bucketSums(slot, buckets, (records) => pace.take(records / READS_PER_UNIT)),
      link.ask(BUCKETS, { slot, buckets }, READ_TIMEOUT_MS),
    ])
    const others = received(buckets, theirs.words)
    const differing: number[] = []
    for (let bucket = 0; bucket < buckets; bucket++) if (!ours.same(bucket, others)) differing.push(bucket)
    return { slot, buckets, wanted: BucketSet.of(buckets, differing) }
  }

  private async askTree(level: number, nodes: readonly number[]): Promise<DigestSums> {
    const { layoutVersion } = this.settings
    const { words } = await this.components.link.ask(TREE, { layoutVersion, level, nodes }, TIMEOUT_MS)
    return received(nodes.length, words)
  }

  private askKeys({ slot, buckets, wanted }: Selection, after: string): Promise<KeysResponse> {
    return this.components.link.ask(KEYS, { slot, buckets, wanted: wanted.bits, after }, READ_TIMEOUT_MS)
  }
}

/** @throws KvError where the peer's answer is no answer to the question. */
function received(places: number, words: Uint32Array): DigestSums {
  if (words.length === places * DIGEST_WORDS) return new DigestSums(places, words)
  throw new KvError('internal', `${words.length / DIGEST_WORDS} digests came for ${places}`)
}

function noKeys(): ReturnType<KeyPages> {
  return Promise.resolve({ entries: [], after: '', end: true })
}
