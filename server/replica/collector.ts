import type { Counters } from '../../shared/counters.ts'
import { KvError, toKvError } from '../../shared/errors.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { Actor, Dot } from '../causality/dot.ts'
import { settlesMs } from '../causality/floor.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import type { ConflictPolicy, KeyRecord } from '../causality/record.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Trace } from '../ports/trace.ts'
import {
  COLLECT,
  DIGEST_WORDS,
  DIGESTS,
  type DigestsRequest,
  type DigestsResponse,
  MAX_COLLECTED_SLOTS,
  PROMISE,
  type PromiseRequest,
  type PromiseResponse,
  SURVEY,
  type Survey,
} from '../rpc/collection-methods.ts'
import type { Method, Reply, Rpc } from '../rpc/method.ts'
import type { CollectionRing, CollectionServer } from './collection-server.ts'
import type { MortalKeys } from './mortal-keys.ts'
import type { StagedRecords } from './staged-records.ts'

export interface CollectorComponents {
  readonly clock: Clock
  readonly rpc: Rpc
  readonly ring: CollectionRing
  readonly hybrid: HybridClock
  readonly data: StagedRecords
  readonly mortal: MortalKeys
  readonly server: CollectionServer
  readonly policy: () => ConflictPolicy
  readonly counters: Counters
  readonly trace: Trace
}

export interface CollectorSettings {
  readonly id: NodeId
  /** No tombstone goes before it is this old, milliseconds; 0 keeps them all. */
  readonly minAgeMs: number
}

/** What every member said of itself at one time. */
interface Census {
  readonly atMs: number
  readonly wallMs: number
  readonly layoutVersion: number
  readonly surveys: ReadonlyMap<NodeId, Survey>
}

interface Owners {
  readonly members: readonly NodeId[]
  owners(slot: number): readonly NodeId[]
}

const LOOK_EVERY_MS = 1_000
const TIMEOUT_MS = 10_000
/** Dead records of one slot that are looked at in a round. */
const MAX_RECORDS = 2_000

/**
 * Collects the tombstones, and the values that have expired, of the slots of which this node is the first owner. Never
 * for their age alone: all members are asked twice. First how far they have got with their writes. When the age has
 * passed, whether all that they wrote until then has come to its end, whether anything for the slot waits anywhere,
 * and what the owners hold. Where the owners hold the same, every event up to the first question is with all of
 * them or with nobody, and will stay so: then the slot's floor can stand for its tombstones.
 */
export class Collector {
  /** Why tombstones have to wait; '' where nothing is known against it. */
  waitingFor = ''
  /** Slots of the last round that could not be collected: something waits for them, or their owners differ. */
  heldUp = 0
  private readonly components: CollectorComponents
  private readonly settings: CollectorSettings
  private census: Census | undefined
  private timer: Timer | undefined
  private rounds = 0

  constructor(components: CollectorComponents, settings: CollectorSettings) {
    this.components = components
    this.settings = settings
  }

  start(): void {
    if (this.settings.minAgeMs === 0) {
      this.waitingFor = 'tombstones are kept for ever on this node'
      return
    }
    this.look()
  }

  stop(): void {
    this.timer?.cancel()
    this.timer = undefined
  }

  private look(): void {
    this.timer = this.components.clock.after(LOOK_EVERY_MS, () => {
      this.step().then(
        () => this.rest(''),
        (error) => this.rest(toKvError(error).message),
      )
    })
  }

  private rest(waitingFor: string): void {
    if (waitingFor !== this.waitingFor && waitingFor !== '')
      this.components.trace.event('info', 'tombstones.wait', { why: waitingFor })
    this.waitingFor = waitingFor
    if (this.timer !== undefined) this.look()
  }

  /** @throws KvError that says what has to be waited for. */
  private async step(): Promise<void> {
    const { ring, clock, mortal } = this.components
    const table = ring.slots()
    const layoutVersion = ring.layout()?.version
    if (table === undefined || layoutVersion === undefined || mortal.size === 0) return
    const away = table.members.find((id) => id !== this.settings.id && !ring.reachable(id))
    if (away !== undefined) throw new KvError('no_quorum', `${away} is out of reach`)
    if (!ring.clockTrusted()) throw new KvError('clock_skew', 'the clock is not confirmed by the peers')
    const { census } = this
    if (census?.layoutVersion !== layoutVersion) {
      this.census = await this.survey(table.members, layoutVersion)
      return
    }
    if (clock.monotonicMs() - census.atMs < this.settings.minAgeMs) return
    const first = (slot: number) => table.owners(slot)[0] === this.settings.id
    this.heldUp = 0
    for (let slots: number[] = [], from = 0; from >= 0; ) {
      ;({ slots, next: from } = this.candidates(from, census.wallMs, first))
      if (slots.length > 0) await this.round(census, slots, table)
    }
    this.census = undefined
  }

  private async survey(members: readonly NodeId[], layoutVersion: number): Promise<Census> {
    const atMs = this.components.clock.monotonicMs()
    const wallMs = this.components.hybrid.wallMs()
    const own = (_request: undefined, reply: Reply<Survey>) =>
      reply(undefined, this.components.server.survey())
    const surveys = await Promise.all(members.map((id) => this.ask(id, SURVEY, undefined, own)))
    return {
      atMs,
      wallMs,
      layoutVersion,
      surveys: new Map(members.map((id, i) => [id, surveys[i] as Survey])),
    }
  }

  /** The next slots from `from` on with something dead; `next` is negative at the end. */
  private candidates(
    from: number,
    expiredMs: number,
    first: (slot: number) => boolean,
  ): { slots: number[]; next: number } {
    const { mortal } = this.components
    const slots: number[] = []
    for (let slot = from; slot < SLOTS; slot++) {
      if (!mortal.anyDead(slot, expiredMs) || !first(slot)) continue
      slots.push(slot)
      if (slots.length === MAX_COLLECTED_SLOTS) return { slots, next: slot + 1 }
    }
    return { slots, next: -1 }
  }

  private async round(census: Census, slots: readonly number[], table: Owners): Promise<void> {
    const { server, counters, trace } = this.components
    const vector = await this.reach(census, slots)
    if (vector.size === 0) return
    const { session } = census.surveys.get(this.settings.id) as Survey
    const round = `${this.settings.id}.${session}.${++this.rounds}`
    const free = await this.promises(round, census, vector, slots)
    const agreed = await this.agreeing(round, free, table)
    this.heldUp += slots.length - agreed.length
    if (agreed.length === 0) return
    counters.add('tombstone_rounds_total')
    trace.event('info', 'tombstones.collect', { round, slots: agreed.length })
    const { layoutVersion, wallMs: expiredMs } = census
    const request = { round, layoutVersion, expiredMs, slots: agreed }
    const own = (asked: typeof request, reply: Reply<void>) => server.collect(asked, reply)
    // An owner that does not hear of it finds out when it is compared with the others.
    await Promise.all(
      ownersOf(agreed, table).map((id) => this.ask(id, COLLECT, request, own).catch(() => undefined)),
    )
  }

  /** @returns the slots that all members have promised. Before the owners say what they hold: hints have landed. */
  private async promises(
    round: string,
    { layoutVersion, surveys }: Census,
    vector: ReadonlyMap<Actor, number>,
    slots: readonly number[],
  ): Promise<readonly number[]> {
    const { server } = this.components
    const own = (asked: PromiseRequest, reply: Reply<PromiseResponse>) => server.promise(asked, reply)
    const ask = ([id, { session, write }]: readonly [NodeId, Survey]) =>
      this.ask(id, PROMISE, { round, layoutVersion, session, write, vector, slots }, own)
    try {
      const answers = await Promise.all([...surveys].map(ask))
      const promised = answers.map((answer) => new Set(answer.slots))
      return slots.filter((slot) => promised.every((all) => all.has(slot)))
    } catch (error) {
      // What a member has said is worth nothing after its restart, nor after a change of the layout.
      if (toKvError(error).code === 'conflict') this.census = undefined
      throw error
    }
  }

  /** Those of the slots of which all owners hold the same. */
  private async agreeing(round: string, slots: readonly number[], table: Owners): Promise<readonly number[]> {
    const { server } = this.components
    const own = (asked: DigestsRequest, reply: Reply<DigestsResponse>) => server.digests(asked, reply)
    const held = new Map<number, string[]>()
    for (const slot of slots) held.set(slot, [])
    const ask = async (id: NodeId): Promise<void> => {
      const theirs = slots.filter((slot) => table.owners(slot).includes(id))
      const { words } = await this.ask(id, DIGESTS, { round, slots: theirs }, own)
      for (const [i, slot] of theirs.entries())
        held.get(slot)?.push(words.subarray(i * DIGEST_WORDS, (i + 1) * DIGEST_WORDS).join())
    }
    await Promise.all(ownersOf(slots, table).map(ask))
    return slots.filter((slot) => new Set(held.get(slot)).size === 1)
  }

  /**
   * How far the tombstones that may go reach: of actors that are at work up to what was surveyed, of those that are no
   * more up to what they wrote.
   */
  private async reach(census: Census, slots: readonly number[]): Promise<Map<Actor, number>> {
    const { mortal, data } = this.components
    const counters = new Map([...census.surveys.values()].map(({ actors, counter }) => [actors, counter]))
    const vector = new Map<Actor, number>()
    const note = ({ actor, counter }: Dot) => {
      const surveyed = counters.get(actor.slice(0, actor.lastIndexOf('.')))
      const reached = surveyed ?? Math.max(counter, vector.get(actor) ?? 0)
      if (reached > 0) vector.set(actor, reached)
    }
    for (const slot of slots) {
      let looked = 0
      for await (const keys of mortal.dead(slot, census.wallMs)) {
        for (const key of keys) this.noteAll(data.latest(key), census.wallMs, note)
        looked += keys.length
        if (looked >= MAX_RECORDS) break
      }
    }
    return vector
  }

  private noteAll(record: KeyRecord, expiredMs: number, note: (dot: Dot) => void): void {
    if (settlesMs(record, this.components.policy()) > expiredMs) return
    for (const { dot } of record.siblings) note(dot)
    for (const [actor, counter] of record.past) note({ actor, counter })
  }

  /** Rejects with a KvError. */
  private ask<Request, Response>(
    id: NodeId,
    method: Method<Request, Response>,
    request: Request,
    own: (request: Request, reply: Reply<Response>) => void,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const reply: Reply<Response> = (error, response) =>
        error === undefined ? resolve(response as Response) : reject(error)
      if (id === this.settings.id) own(request, reply)
      else this.components.rpc.call(id, method, request, TIMEOUT_MS, reply)
    })
  }
}

function ownersOf(slots: readonly number[], table: Owners): readonly NodeId[] {
  return table.members.filter((id) => slots.some((slot) => table.owners(slot).includes(id)))
}
