import { CHECKERS } from './checkers/checkers.ts'
import { convergence } from './checkers/convergence.ts'
import { fates } from './checkers/elements.ts'
import type { Evidence, FinalCopy, Violation } from './evidence.ts'
import { Gauges } from './gauges.ts'
import { History } from './history.ts'
import type { NodeFactory } from './machine.ts'
import { Nemesis } from './nemesis.ts'
import { Observations } from './observations.ts'
import { PolicySwitches } from './policy-switches.ts'
import { Removal } from './removal.ts'
import { SimulatedCluster } from './simulated-cluster.ts'
import type { Printer } from './simulated-trace.ts'
import { drawSwarm, type FaultKind, RING, ROOM_FOR_ALL_HINTS, type Swarm } from './swarm.ts'
import { Workload } from './workload.ts'
import { World } from './world.ts'
import { WorldBans } from './world-bans.ts'

const SECOND = 1_000_000
/** What is bounded is looked at so often, virtual microseconds. */
const LOOK_EVERY = SECOND / 4
/** How long the ring may take to form, and to be whole again after all faults, virtual microseconds. */
const FORM_WITHIN = 60 * SECOND
const HEAL_WITHIN = 180 * SECOND
/** Hints that are given up only after this long are there for the whole run, milliseconds. */
const HINTS_OUTLAST_MS = 600_000
/** For what is on its way at the end of the faults to arrive, and for owners to find that they agree. */
const SETTLE_FOR = 2 * SECOND
const AGREE_WITHIN = 60 * SECOND
/** For read repair to land; where the owners agree before, there is none. */
const REPAIR_FOR = 8 * SECOND
/** For every node to be seen without a request to a peer, which may wait for a minute; heartbeats are no multiple of a look. */
const DRAIN_WITHIN = 90 * SECOND
const LOOK_OFTEN = 70_000
/** For tombstones to be collected: a few rounds, each of which may find the owners busy, in microseconds a millisecond of age. */
const COLLECT_WITHIN = 5_000

export interface SimulationSettings {
  readonly seed: number
  readonly makeNode: NodeFactory
  readonly print?: Printer | undefined
  /** Replaces parts of what the seed draws. */
  readonly swarm?: Partial<Swarm>
}

export interface SimulationResult {
  readonly seed: number
  readonly hash: string
  readonly swarm: Swarm
  readonly violations: readonly Violation[]
  readonly marks: ReadonlyMap<string, number>
  readonly events: number
  readonly virtualMs: number
  /** The kinds of the strikes that were due, by their numbers. */
  readonly due: readonly FaultKind[]
}

/**
 * One seed: a ring forms, serves its clients under faults for a minute, is healed, and must then be whole again.
 * What the clients were told and what the disks hold in the end is judged by the checkers.
 */
export async function simulate(settings: SimulationSettings): Promise<SimulationResult> {
  const world = new World(settings)
  const bans = new WorldBans()
  const onRejection = (reason: unknown) => world.fail('a node', 'left a rejection unhandled', reason)
  process.on('unhandledRejection', onRejection)
  bans.install()
  try {
    const simulation = new Simulation(world, settings)
    const violations = await simulation.run()
    for (const breach of bans.breaches) violations.push({ checker: 'world', key: '', message: breach })
    violations.push(...world.failures)
    const { marks, hash, loop } = world
    const events = loop.ran
    const { swarm, due } = simulation
    const { seed } = settings
    return { seed, swarm, hash: hash.digest(), violations, marks, events, virtualMs: loop.now / 1000, due }
  } finally {
    bans.lift()
    process.off('unhandledRejection', onRejection)
  }
}

class Simulation {
  private readonly world: World
  readonly swarm: Swarm
  private readonly cluster: SimulatedCluster
  private readonly history = new History()
  private readonly observations = new Observations()
  private readonly workload: Workload
  private readonly nemesis: Nemesis
  private readonly removal: Removal
  private readonly gauges: Gauges
  private readonly switches: PolicySwitches

  constructor(world: World, settings: SimulationSettings) {
    this.world = world
    const draws = world.prng.fork('swarm')
    this.swarm = { ...drawSwarm(draws), ...settings.swarm }
    const { observations, history, swarm } = this
    const cluster = new SimulatedCluster({ world, makeNode: settings.makeNode, observations }, swarm)
    this.cluster = cluster
    this.gauges = new Gauges({ cluster }, swarm)
    this.workload = new Workload({ world, cluster, history }, swarm)
    this.nemesis = new Nemesis({ world, cluster }, swarm)
    this.removal = new Removal({ world, cluster, look: () => this.look() }, swarm)
    // With a generator of the swarm's own: what else a seed does is the same with switches or without.
    this.switches = new PolicySwitches({ world, cluster, prng: draws }, swarm)
  }

  async run(): Promise<Violation[]> {
    const { world, cluster, workload, nemesis } = this
    world.note('swarm', JSON.stringify(this.swarm))
    cluster.startAll()
    if (this.swarm.stormyFounding) nemesis.storm()
    if (!(await this.within(FORM_WITHIN, () => cluster.ready))) return this.notLive('the ring does not form')
    workload.start()
    nemesis.start()
    this.removal.start()
    this.switches.start()
    await this.pass(this.swarm.faultsForMs * 1000)
    if (this.swarm.finale) {
      nemesis.finale()
      await this.pass(SECOND)
    }
    workload.stop()
    this.switches.stop()
    nemesis.heal()
    this.removal.heal()
    const whole = () =>
      this.removal.over &&
      this.switches.idle &&
      cluster.ready &&
      workload.idle &&
      cluster.healthy &&
      cluster.hintsHeld === 0
    if (!(await this.within(HEAL_WITHIN, whole)))
      return this.notLive('the ring is not whole again after all faults')
    const aided = this.swarm.repairEveryMs > 0
    if (this.spoilt && !(await this.scrub()))
      return this.notLive('the nodes do not come to an end with their scrubs')
    if (aided) await this.pass(SETTLE_FOR)
    if (aided && !(await this.agree())) return this.notLive('the owners do not come to agree')
    await this.still()
    const disagreements = aided ? this.judgeAgreement(this.copies()) : []
    // What was acknowledged is read back at the ring's own quorum, without repair. Reads of all owners repair what
    // those before them left, and then all must agree.
    await this.readAll(RING.r, false)
    await this.readAll(RING.n, false)
    if (!aided) await this.pass(REPAIR_FOR)
    if (!(await this.collected())) return this.notLive('tombstones are left that nothing holds up')
    const unread = await this.readAll(RING.n, true)
    if (unread > 0) return this.notLive(`${unread} reads of a healed ring failed`)
    if (!(await this.drained())) return this.notLive('requests among peers are left open')
    // After that: what the last reads mend is still on its way before.
    await this.still()
    cluster.harvest()
    return [...disagreements, ...this.judge(this.copies())]
  }

  /** The kinds of the faults that were due so far, by their numbers. */
  get due(): readonly FaultKind[] {
    return this.nemesis.due
  }

  /** Every key, from every node by itself. */
  private look(): void {
    for (const key of this.history.keys())
      for (const machine of this.cluster.machines)
        this.workload.read(0, key, machine, 1, false, () => undefined)
  }

  /** @returns how many reads failed. */
  private async readAll(r: number, final: boolean): Promise<number> {
    let open = 0
    let failed = 0
    for (const key of this.history.keys()) {
      for (const machine of this.cluster.machines) {
        open++
        this.workload.read(0, key, machine, r, final, (op) => {
          open--
          if (op.outcome !== 'ok') failed++
        })
      }
    }
    await this.within(10 * SECOND, () => open === 0)
    return failed + open
  }

  /** By anti-entropy alone, before any read repairs something. */
  private async agree(): Promise<boolean> {
    const endsAt = this.world.loop.now + AGREE_WITHIN
    while (this.world.loop.now < endsAt) {
      const compared = this.cluster.compareAll()
      if (!(await this.within(endsAt - this.world.loop.now, compared))) return false
      if (this.cluster.agreed) return true
    }
    return false
  }

  /** Whether a disk has spoilt a record. */
  private get spoilt(): boolean {
    return this.world.losses.some(({ key }) => key !== undefined)
  }

  /** What disks have spoilt is found when all is read: by a second pass, where the first was under way before. */
  private async scrub(): Promise<boolean> {
    for (let pass = 0; pass < 2; pass++)
      if (!(await this.within(AGREE_WITHIN, this.cluster.scrubAll()))) return false
    return true
  }

  /** Where tombstones are collected, all of them go when nothing is in the way any more. */
  private async collected(): Promise<boolean> {
    const { tombstoneMinAgeMs } = this.swarm
    // A node that has had records spoilt counts them twice when they come back, tombstones as well.
    if (tombstoneMinAgeMs === 0 || this.spoilt) return true
    return this.within(COLLECT_WITHIN * tombstoneMinAgeMs, () => this.cluster.tombstones === 0)
  }

  /**
   * The owners collect at almost the same time, but not quite: a look in between is worth nothing. A read in between
   * leaves some of them with a past that the others' floors stand for, which they tell each other when they compare.
   */
  private async still(): Promise<void> {
    const { tombstoneMinAgeMs, repairEveryMs } = this.swarm
    if (tombstoneMinAgeMs === 0) return
    const most = 10 + (RING.n * repairEveryMs) / 500
    for (let looks = 0; looks < most && this.judgeAgreement(this.copies()).length > 0; looks++)
      await this.pass(SECOND)
  }

  /** Every node has been seen without a request to a peer: not at once, for heartbeats are always under way. */
  private async drained(): Promise<boolean> {
    const { loop } = this.world
    const waiting = new Set(this.cluster.machines)
    for (const end = loop.now + DRAIN_WITHIN; waiting.size > 0 && loop.now < end; await this.pass(LOOK_OFTEN))
      for (const machine of waiting) if (machine.idle) waiting.delete(machine)
    return waiting.size === 0
  }

  private copies(): FinalCopy[] {
    return this.history.keys().flatMap((key) => this.cluster.copies(key))
  }

  /** The owners hold the same, as a full scan sees it. */
  private judgeAgreement(finals: readonly FinalCopy[]): Violation[] {
    return convergence(this.evidence(finals)).map((violation) => ({ ...violation, checker: 'anti-entropy' }))
  }

  private judge(finals: readonly FinalCopy[]): Violation[] {
    const evidence = this.evidence(finals)
    for (const [fate, times] of fates(evidence)) this.world.count(`values ${fate}`, times)
    return CHECKERS.flatMap((check) => check(evidence))
  }

  private evidence(finals: readonly FinalCopy[]): Evidence {
    const { history, observations } = this
    const { hintBytes, maxHintAgeMs, policyEveryMs } = this.swarm
    const conflicts = policyEveryMs > 0 ? 'switched' : this.swarm.conflicts
    const hints = hintBytes === ROOM_FOR_ALL_HINTS && maxHintAgeMs > HINTS_OUTLAST_MS
    const { losses } = this.world
    return { history, observations, finals, losses, gauges: this.gauges.all, conflicts, n: RING.n, hints }
  }

  private notLive(message: string): Violation[] {
    const why = this.cluster.complaints()
    return [{ checker: 'liveness', key: '', message: `${message}: ${why}` }, ...this.judge([])]
  }

  private async pass(micros: number): Promise<void> {
    const { loop } = this.world
    const end = loop.now + micros
    while (loop.now < end) {
      await loop.run(Math.min(end, loop.now + LOOK_EVERY))
      this.gauges.look()
    }
  }

  /** Runs until `done`, asked four times a virtual second. @returns whether it came to be in time. */
  private async within(micros: number, done: () => boolean): Promise<boolean> {
    const end = this.world.loop.now + micros
    while (this.world.loop.now < end) {
      if (done()) return true
      await this.pass(SECOND / 4)
    }
    return done()
  }
}
