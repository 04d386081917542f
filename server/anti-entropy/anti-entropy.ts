import type { RepairStatus } from '../../shared/api.ts'
import type { Counters } from '../../shared/counters.ts'
import { toKvError } from '../../shared/errors.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import type { Holder } from '../handoff/holder.ts'
import type { Completeness } from '../membership/completeness.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import type { Trace } from '../ports/trace.ts'
import type { Burial } from '../replica/burial.ts'
import type { Floors } from '../replica/floors.ts'
import type { StagedRecords } from '../replica/staged-records.ts'
import type { Rpc } from '../rpc/method.ts'
import { Exchange } from './exchange.ts'
import { ExchangeServer, type RingSource } from './exchange-server.ts'
import { CalledOff, Gate } from './gate.ts'
import { HintPatience } from './hint-patience.ts'
import type { Leaves } from './leaves.ts'
import type { MarkedSlots } from './marked-slots.ts'
import { MENDERS, Mender } from './mender.ts'
import { Pace, type PaceSettings } from './pace.ts'
import { PeerLink } from './peer-link.ts'
import { type Brought, PeerProgress, slotsOutstanding } from './peer-progress.ts'
import { PeerTurns } from './peer-turns.ts'
import { SharedSlots } from './shared-slots.ts'
import type { SlotReader } from './slot-reader.ts'

export interface AntiEntropyComponents {
  readonly clock: Clock
  readonly random: Random
  readonly rpc: Rpc
  readonly trace: Trace
  readonly ring: RingSource
  readonly leaves: Leaves
  readonly reader: SlotReader
  readonly data: StagedRecords
  readonly holder: Holder
  readonly counters: Counters
  readonly marked: MarkedSlots
  readonly floors: Floors
  readonly burial: Burial
  readonly hybrid: HybridClock
  readonly completeness: Pick<Completeness, 'doubts' | 'lacking' | 'comparedWith'>
}

export interface AntiEntropySettings {
  readonly id: NodeId
  /** Between two comparisons, milliseconds; with 0 there are none but those that are asked for. */
  readonly everyMs: number
  /** Of the records that this node mends. */
  readonly pace: PaceSettings
}

/** The exchange that is under way. */
interface Current {
  readonly peer: NodeId
  readonly exchange: Exchange
  readonly link: PeerLink
  readonly menders: readonly Mender[]
}

/** Between finding a difference and believing it, milliseconds: for writes under way to arrive. */
const RECHECK_MS = 500
/** Where nobody is there, or would compare, or something still differs: until the next try, milliseconds. */
const RETRY_MS = 1_000
/** Between two comparisons of a round that was asked for, milliseconds, at most. */
const HURRY_MS = 50

/**
 * Compares this node's data with that of one peer after the other, for ever, and mends what differs: whatever hints
 * and read repair have missed, be it a disk that was emptied, is whole again after a round.
 */
export class AntiEntropy {
  private readonly components: AntiEntropyComponents
  private readonly settings: AntiEntropySettings
  private readonly shared: SharedSlots
  private readonly turns: PeerTurns
  private readonly pace: Pace
  private readonly patience: HintPatience
  private readonly gate = new Gate()
  private readonly progress = new Map<NodeId, PeerProgress>()
  private current: Current | undefined
  private timer: Timer | undefined
  private started = false
  private hurried = false
  private roundBeganMs = 0
  private rounds = 0
  private lastRoundMs = 0

  constructor(components: AntiEntropyComponents, settings: AntiEntropySettings) {
    const { clock, random } = components
    this.components = components
    this.settings = settings
    this.shared = new SharedSlots(components, settings)
    this.turns = new PeerTurns({ random })
    this.patience = new HintPatience(components, settings)
    this.pace = new Pace({ clock }, settings.pace)
  }

  start(): void {
    const { rpc } = this.components
    const mendingWith = (peer: NodeId) =>
      this.current?.peer === peer && this.current.exchange.outstanding.size > 0
    new ExchangeServer({ ...this.components, shared: this.shared, mendingWith }, this.settings).serve(rpc)
    this.started = true
    this.look(this.soon())
  }

  stop(): void {
    this.started = false
    this.timer?.cancel()
    this.pace.stop()
    this.gate.stop()
  }

  /** A round with everyone within reach, now. */
  begin(): void {
    this.turns.restart()
    this.hurried = true
    this.look(0)
  }

  /** Also in the middle of an exchange. */
  pause(): void {
    this.gate.pause()
  }

  resume(): void {
    if (!this.gate.paused) return
    this.gate.resume()
    this.look(0)
  }

  /** The peer is within reach again: what it has missed is looked for soon. */
  returned(peer: NodeId): void {
    this.turns.prefer(peer)
    this.look(this.soon())
  }

  /** Slots of which this node knows that a peer holds something else. */
  get divergentSlots(): number {
    return slotsOutstanding(this.progress.values())
  }

  get completedRounds(): number {
    return this.rounds
  }

  status(): RepairStatus {
    const table = this.components.ring.slots()
    if (table !== undefined) for (const id of this.shared.peers(table)) this.progressOf(id)
    const { current } = this
    const brought = (id: NodeId) => (current?.peer === id ? broughtBy(current) : undefined)
    const peers = [...this.progress].map(([id, progress]) => ({ id, ...progress.report(brought(id)) }))
    return {
      node: this.settings.id,
      state: this.gate.paused ? 'paused' : current === undefined ? 'idle' : 'running',
      rounds: this.rounds,
      lastRoundMs: this.lastRoundMs,
      divergentSlots: this.divergentSlots,
      peers: peers.sort((a, b) => (a.id < b.id ? -1 : 1)),
    }
  }

  private look(ms: number): void {
    if (!this.started || this.current !== undefined) return
    this.timer?.cancel()
    if (this.settings.everyMs === 0 && !this.hurried && !this.filling && this.divergentSlots === 0) return
    this.timer = this.components.clock.after(ms, () => {
      if (this.gate.paused) return
      const peer = this.choose()
      if (peer === undefined) this.look(RETRY_MS)
      else void this.visit(peer)
    })
  }

  private choose(): NodeId | undefined {
    const { ring } = this.components
    const table = ring.slots()
    if (table === undefined) return undefined
    const peers = this.shared.peers(table)
    for (const id of this.progress.keys()) if (!peers.includes(id)) this.progress.delete(id)
    const peer = this.turns.next(peers, (id) => this.comparable(id))
    if (this.turns.fresh) {
      this.roundBeganMs = this.components.clock.monotonicMs()
      this.components.marked.roundBegins()
    }
    return peer
  }

  private async visit(peer: NodeId): Promise<void> {
    const { counters } = this.components
    const progress = this.progressOf(peer)
    counters.add('anti_entropy_exchanges_total')
    let ok = false
    try {
      await this.exchangeWith(peer, progress)
      progress.error = ''
      ok = true
    } catch (error) {
      if (!(error instanceof CalledOff)) {
        progress.error = toKvError(error).message
        counters.add('anti_entropy_exchange_failures_total')
      }
    }
    this.account(progress)
    if (ok) this.finishTurn(peer)
    this.look(ok ? this.interval() : RETRY_MS + this.soon())
  }

  private async exchangeWith(peer: NodeId, progress: PeerProgress): Promise<void> {
    const { clock, random, ring, trace, counters, leaves, completeness } = this.components
    const [layout, table] = [ring.layout(), ring.slots()]
    if (layout === undefined || table === undefined) return
    const link = new PeerLink(this.components, { peer })
    const parts = { ...this.components, link, pace: this.pace, gate: this.gate }
    const menders = Array.from({ length: MENDERS }, () => new Mender(parts))
    const slots = this.shared.with(peer, table)
    const settings = { layoutVersion: layout.version, slots, recheckMs: RECHECK_MS }
    const tree = () => this.shared.tree(peer, table)
    const exchange = new Exchange(
      { ...parts, sums: leaves.sums, shared: this.shared, tree, menders },
      { ...settings, begin: random.below(slots.length) },
    )
    const current = { peer, exchange, link, menders }
    this.current = current
    const [settled, { doubts }] = [this.patience.settled(peer), completeness]
    const differs = await exchange.compare()
    progress.comparedAtMs = clock.wallMs()
    progress.slotsDiffering = exchange.differing
    progress.outstanding = exchange.outstanding
    if (differs) {
      counters.add('anti_entropy_slots_differing_total', exchange.differing)
      trace.event('info', 'repair.differs', { peer, slots: exchange.differing })
      await exchange.mend()
      const left = exchange.outstanding.size
      trace.event('info', 'repair.mended', { peer, keys: broughtBy(current).keysRepaired, left })
    }
    if (settled && exchange.outstanding.size === 0) completeness.comparedWith(peer, doubts)
  }

  private account(progress: PeerProgress): void {
    const { counters } = this.components
    if (this.current === undefined) return
    const brought = broughtBy(this.current)
    progress.add(brought)
    counters.add('anti_entropy_keys_repaired_total', brought.keysRepaired)
    counters.add('anti_entropy_bytes_total', brought.bytesExchanged)
    this.current = undefined
  }

  private finishTurn(peer: NodeId): void {
    if (!this.turns.compared(peer)) return
    this.rounds++
    const peers = [...this.progress.values()]
    this.components.marked.roundEnds((slot) => peers.some(({ outstanding }) => outstanding.has(slot)))
    this.lastRoundMs = Math.round(this.components.clock.monotonicMs() - this.roundBeganMs)
    this.hurried = false
  }

  private interval(): number {
    const { everyMs } = this.settings
    const comparable = (id: NodeId) => this.comparable(id)
    this.hurried = this.hurried && this.turns.lacking(comparable)
    if (this.hurried || this.turns.preferred(comparable)) return this.soon()
    if (this.filling || this.divergentSlots > 0) return RETRY_MS
    // Some sooner and some later, so that nodes that were started together drift apart.
    return everyMs * 0.75 + this.components.random.below(Math.max(1, Math.round(everyMs / 2)))
  }

  /** This node's disk has lost something, and not every other owner has been compared with since. */
  private get filling(): boolean {
    return this.components.completeness.lacking().length > 0
  }

  private comparable(peer: NodeId): boolean {
    return this.components.ring.reachable(peer) && (this.hurried || !this.patience.asksFor(peer))
  }

  private soon(): number {
    return this.components.random.below(HURRY_MS)
  }

  private progressOf(peer: NodeId): PeerProgress {
    let progress = this.progress.get(peer)
    if (progress === undefined) {
      progress = new PeerProgress()
      this.progress.set(peer, progress)
    }
    return progress
  }
}

function broughtBy({ menders, link }: Current): Brought {
  return {
    keysRepaired: menders.reduce((sum, mender) => sum + mender.repaired, 0),
    bytesExchanged: link.bytes,
  }
}
