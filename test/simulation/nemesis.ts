import { ClockFaults } from './faults/clock-faults.ts'
import { DiskFaults } from './faults/disk-faults.ts'
import { LinkFaults } from './faults/link-faults.ts'
import { MachineFaults } from './faults/machine-faults.ts'
import type { Strike } from './faults/strike.ts'
import { STOP_WITHIN } from './machine.ts'
import type { Prng } from './prng.ts'
import type { SimulatedCluster } from './simulated-cluster.ts'
import type { FaultKind, Swarm } from './swarm.ts'
import type { World } from './world.ts'

/** Between two stretches of calm, microseconds. */
const STRIKE_FOR = 5_000_000
/** While the ring is founded, microseconds. */
const STORM_FOR = 5_000_000
const STORM_KINDS: readonly FaultKind[] = [
  'kill',
  'power',
  'blackout',
  'pause',
  'partition',
  'isolate',
  'reset',
  'loss',
]

/** Strikes the ring with the swarm's faults until it is told to stop, and then heals all. */
export class Nemesis {
  /** The kinds of all strikes that were due, also of those that the swarm leaves out. The first has the number 0. */
  readonly due: FaultKind[] = []
  private readonly world: World
  private readonly cluster: SimulatedCluster
  private readonly swarm: Swarm
  private readonly prng: Prng
  private readonly machines: MachineFaults
  private readonly disks: DiskFaults
  private readonly clocks: ClockFaults
  private readonly strikes: Readonly<Record<FaultKind, Strike>>
  private over = false

  constructor(components: { world: World; cluster: SimulatedCluster }, swarm: Swarm) {
    this.world = components.world
    this.cluster = components.cluster
    this.swarm = swarm
    this.prng = components.world.prng.fork('nemesis')
    const parts = { ...components, swarm, over: () => this.over }
    const links = new LinkFaults(parts)
    this.machines = new MachineFaults(parts)
    this.disks = new DiskFaults(parts, this.machines)
    this.clocks = new ClockFaults(parts)
    this.strikes = {
      ...links.strikes,
      ...this.machines.strikes,
      ...this.disks.strikes,
      ...this.clocks.strikes,
    }
  }

  start(): void {
    const { loop } = this.world
    const prng = this.prng.fork('lost disk')
    const latest = 55_000_000 - this.swarm.snapshotAgeMs * 1000
    loop.after(prng.between(5_000_000, latest), () => {
      if (!this.over) this.disks.lose(this.swarm.lostDisk, prng)
    })
    if (this.swarm.faults.length > 0) this.next()
  }

  /** Faults of a second or so, while the ring is founded. */
  storm(): void {
    const prng = this.prng.fork('founding')
    for (let left = prng.between(3, 12); left > 0; left--) {
      this.world.loop.after(prng.below(STORM_FOR), () => {
        const kind = prng.pick(STORM_KINDS)
        this.strikes[kind](prng.exponential(1_000_000), prng.fork(kind))
      })
    }
  }

  /** No further fault strikes, and those in force end. Clocks that nodes may trust stay as they are. */
  heal(): void {
    this.over = true
    this.world.note('nemesis', 'heals all')
    this.world.network.rules.heal()
    this.world.network.censors.clear()
    this.clocks.heal()
    this.disks.heal()
    for (const machine of [...this.cluster.machines, ...this.cluster.gone]) {
      machine.disk.heal()
      machine.resume()
    }
    this.cluster.startAll()
    // Whoever was on the way to a clean stop is down by then.
    this.world.loop.after(STOP_WITHIN + 1_000_000, () => this.cluster.startAll())
  }

  /** The last act: all power goes while a commit is under way, and nothing written later hides what that lost. */
  finale(): void {
    this.world.note('nemesis', 'waits for a commit, and cuts all power')
    const prng = this.prng.fork('finale')
    prng.pick(this.cluster.machines).disk.onNextCommit = () =>
      this.world.loop.after(prng.below(3_000), () => this.machines.cutAll(2_000_000, prng))
  }

  /** Until faults may begin again, microseconds. */
  private calmFor(): number {
    if (this.swarm.calmForMs === 0) return 0
    const stretch = STRIKE_FOR + this.swarm.calmForMs * 1000
    const at = this.world.loop.now % stretch
    return at < STRIKE_FOR ? 0 : stretch - at
  }

  private next(): void {
    const { faults, faultEveryMs, faultForMs, strikes } = this.swarm
    this.world.loop.after(this.calmFor() + this.prng.exponential(faultEveryMs * 1000), () => {
      if (this.over) return
      const kind = this.prng.pick(faults)
      const time = this.prng.exponential(faultForMs * 1000)
      const prng = this.prng.fork(kind)
      const number = this.due.push(kind) - 1
      if (strikes === undefined || strikes.includes(number)) this.strikes[kind](time, prng)
      this.next()
    })
  }
}
