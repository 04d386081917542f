import { KvError } from '../../shared/errors.ts'
import type { ConflictPolicy } from '../causality/record.ts'
import type { NodeId } from '../ports/network.ts'
import {
  COLLECT,
  type CollectRequest,
  DIGEST_WORDS,
  DIGESTS,
  type DigestsRequest,
  type DigestsResponse,
  PROMISE,
  type PromiseRequest,
  type PromiseResponse,
  SURVEY,
  type Survey,
} from '../rpc/collection-methods.ts'
import type { Reply, Rpc } from '../rpc/method.ts'
import type { Burial } from './burial.ts'
import type { Floors } from './floors.ts'
import type { GroupCommit } from './group-commit.ts'
import type { Minter } from './minter.ts'
import type { WritesUnderWay } from './writes-under-way.ts'

/** The ring, as far as the collection of tombstones needs it. */
export interface CollectionRing {
  layout(): { readonly version: number; readonly conflicts: ConflictPolicy } | undefined
  slots():
    | {
        readonly members: readonly NodeId[]
        owners(slot: number): readonly NodeId[]
        isOwner(slot: number, id: NodeId): boolean
      }
    | undefined
  reachable(id: NodeId): boolean
  clockTrusted(): boolean
  readonly moments: { now(): { readonly session: number } }
}

export interface CollectionServerComponents {
  readonly ring: CollectionRing
  readonly commit: GroupCommit
  readonly minter: Minter
  readonly writes: WritesUnderWay
  readonly floors: Floors
  readonly burial: Burial
  /** Hints for the slot are held here, or something of it is marked as missing somewhere. */
  readonly outstanding: (slot: number) => boolean
  /** Three words: the sum of the slot's records, and their number. */
  readonly digest: (slot: number) => Uint32Array
}

/** One member's side of the collection of tombstones. */
export class CollectionServer {
  private readonly components: CollectionServerComponents
  private readonly self: NodeId

  constructor(components: CollectionServerComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
  }

  serve(rpc: Rpc): void {
    rpc.handle(SURVEY, (_from, _request, reply) => reply(undefined, this.survey()))
    rpc.handle(PROMISE, (_from, request, reply) => this.promise(request, reply))
    rpc.handle(DIGESTS, (_from, request, reply) => this.digests(request, reply))
    rpc.handle(COLLECT, (_from, request, reply) => this.collect(request, reply))
  }

  survey(): Survey {
    const { ring, writes, minter } = this.components
    const { session } = ring.moments.now()
    return { session, write: writes.latest, actors: minter.actors, counter: minter.counter }
  }

  /**
   * A write up to the vector that reaches this node after its promise is one that its coordinator has given up: all
   * of that coordinator's writes from then have ended, as its own promise says. So it can be refused for ever.
   */
  promise(request: PromiseRequest, reply: Reply<PromiseResponse>): void {
    const { ring, writes, floors, outstanding } = this.components
    const { round, layoutVersion, session, write, vector, slots } = request
    if (ring.layout()?.version !== layoutVersion)
      return reply(new KvError('conflict', `${this.self} has another layout`))
    if (ring.moments.now().session !== session)
      return reply(new KvError('conflict', `${this.self} was started anew`))
    if (!writes.settled(write)) return reply(new KvError('overloaded', `${this.self} is still writing`))
    const promised = slots.filter((slot) => !outstanding(slot))
    for (const slot of promised) floors.promise(slot, { round, vector })
    reply(undefined, { slots: promised })
  }

  digests({ round, slots }: DigestsRequest, reply: Reply<DigestsResponse>): void {
    const { floors, commit, digest } = this.components
    if (!slots.every((slot) => floors.holds(slot, round)))
      return reply(new KvError('conflict', `${this.self} has promised a slot to somebody else since`))
    const words = new Uint32Array(slots.length * DIGEST_WORDS)
    for (const [i, slot] of slots.entries()) {
      const held = digest(slot).slice()
      floors.say(slot, held)
      words.set(held, i * DIGEST_WORDS)
    }
    commit.barrier((error) => (error === undefined ? reply(undefined, { words }) : reply(error)))
  }

  /**
   * Slots of other owners, or that were not promised, or were promised to another round since, are left out; and all
   * of them when the layout, and with it perhaps the policy, has changed since. So are those in which something has
   * been written since the round asked what is held: beside a tombstone that others have collected it may stand
   * only here. This owner takes the floor when it is compared with one of the others.
   */
  collect({ round, layoutVersion, expiredMs, slots }: CollectRequest, reply: Reply<void>): void {
    const { ring, floors, commit, burial, digest } = this.components
    const layout = ring.layout()
    if (layout?.version !== layoutVersion)
      return reply(new KvError('conflict', `${this.self} has another layout`))
    // A floor says that what is missing was deleted: of a slot that others own everything is missing here.
    const table = ring.slots()
    const held = slots.filter(
      (slot) => floors.stillHolds(slot, round, digest(slot)) && table?.isOwner(slot, this.self),
    )
    const { conflicts: policy } = layout
    for (const slot of held)
      floors.raise(slot, { vector: floors.promised(slot), expiredMs, layoutVersion, policy })
    void burial.bury(held).catch(() => undefined)
    commit.barrier((error) => reply(error))
  }
}
