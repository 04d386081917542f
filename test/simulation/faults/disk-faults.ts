import type { Machine } from '../machine.ts'
import type { Prng } from '../prng.ts'
import type { FaultKind, Swarm } from '../swarm.ts'
import type { MachineFaults } from './machine-faults.ts'
import { type FaultComponents, fired, type Strike } from './strike.ts'

type DiskFault = 'slow-disk' | 'disk-error' | 'disk-full' | 'bit-flip' | 'misdirected' | 'torn-write'

/** How much of a snapshot's age has passed when the other disks begin to be replaced. */
const WHEN_TO_RENEW = 0.68
/** Between two looks whether the ring is whole, so that the next disk may be replaced, microseconds. */
const RENEW_EVERY = 500_000

/**
 * What disks do: go slow, fail, fill up, spoil records without a word and, once a seed at the most, come back empty,
 * as they were before, or as a copy.
 */
export class DiskFaults {
  readonly strikes: Readonly<Record<DiskFault, Strike>>
  private readonly components: FaultComponents
  private readonly machines: MachineFaults
  /** The machine that a copy of its disk has the place of, and how it gets the disk back. */
  private putBack: (() => void) | undefined

  constructor(components: FaultComponents, machines: MachineFaults) {
    this.components = components
    this.machines = machines
    this.strikes = {
      'slow-disk': (time, prng) => this.slow(time, prng),
      'disk-error': (time, prng) => this.fail(time, prng),
      'disk-full': (time, prng) => this.fill(time, prng),
      'bit-flip': (_time, prng) => this.flip(prng),
      misdirected: (time, prng) => this.misdirect(time, prng),
      'torn-write': (time, prng) => this.tear(time, prng),
    }
  }

  /** Takes a disk away. */
  lose(how: Swarm['lostDisk'], prng: Prng): void {
    const machine = prng.pick(this.components.cluster.machines)
    if (how === 'wiped') this.wipe(machine, prng)
    else if (how === 'restored') this.restore(machine, prng)
    else if (how === 'copied') this.copy(machine, prng)
    else if (how === 'renewed') this.renew(machine, prng)
  }

  /** The original takes the place of its copy again. */
  heal(): void {
    this.putBack?.()
  }

  /** A disk that was emptied, or replaced. */
  private wipe(machine: Machine, prng: Prng): void {
    this.components.world.count('fault wipe')
    this.exchange(machine, prng, 'is wiped', () => machine.disk.replace())
  }

  /** A disk that is put back to what it was a while before: a backup, or a snapshot of a virtual machine. */
  private restore(machine: Machine, prng: Prng): void {
    const { world, over } = this.components
    const snapshot = machine.disk.snapshot()
    const oldest = this.components.swarm.snapshotAgeMs * 1000
    world.loop.after(prng.between(oldest / 20, oldest), () => {
      if (over()) return
      world.count('fault restore')
      // A copy of its files, or all of the disk, which then cannot know of it.
      const unnoticed = prng.chance(0.5)
      const what = `is put back to a snapshot${unnoticed ? ' without a trace' : ''}`
      const change = () => (unnoticed ? machine.disk.putBack(snapshot) : machine.disk.replace(snapshot))
      this.exchange(machine, prng, what, change, unnoticed)
    })
  }

  /** Most other disks are replaced, each when the ring is whole, before this one is put back to what it was. */
  private renew(machine: Machine, prng: Prng): void {
    const { world, cluster, swarm, over } = this.components
    const snapshot = machine.disk.snapshot()
    const [, ...due] = prng.shuffle(cluster.machines.filter((other) => other !== machine))
    const replaceNext = () => {
      if (over()) return
      const whole = cluster.ready && cluster.healthy && cluster.hintsHeld === 0
      if (!whole) return world.loop.after(RENEW_EVERY, replaceNext)
      const other = due.pop()
      if (other === undefined) {
        world.count('fault renew')
        const what = 'is put back to a snapshot after the others were replaced'
        return this.exchange(machine, prng, what, () => machine.disk.replace(snapshot))
      }
      this.exchange(other, prng, 'is replaced', () => other.disk.replace())
      return world.loop.after(RENEW_EVERY, replaceNext)
    }
    // By then some of what it held has been deleted, and collected.
    world.loop.after(swarm.snapshotAgeMs * 1000 * WHEN_TO_RENEW, replaceNext)
  }

  /** A copy of a disk is started in the place of the original, for a while. */
  private copy(machine: Machine, prng: Prng): void {
    const { world, over } = this.components
    const copy = machine.disk.snapshot()
    world.loop.after(prng.between(500_000, 5_000_000), () => {
      if (over()) return
      world.count('fault copy')
      let original: (() => void) | undefined
      this.exchange(machine, prng, 'gives way to a copy of it', () => {
        original = machine.disk.setAside()
        machine.disk.replace(copy)
      })
      this.putBack = () => {
        this.putBack = undefined
        this.exchange(machine, prng, 'comes back in the place of its copy', () => original?.(), true)
      }
      world.loop.after(prng.between(1_000_000, 15_000_000), () => this.putBack?.())
    })
  }

  private exchange(machine: Machine, prng: Prng, what: string, change: () => void, unnoticed = false): void {
    const { world } = this.components
    machine.crash(true)
    change()
    world.note('nemesis', `the disk of ${machine.id} ${what}`)
    world.losses.push({ from: world.loop.now, until: world.loop.now, unnoticed })
    world.loop.after(prng.below(2_000_000), () => machine.start())
  }

  private slow(time: number, prng: Prng): void {
    const { cluster, world } = this.components
    const { disk, id } = prng.pick(cluster.machines)
    disk.slowdown = prng.pick([10, 100, 500])
    fired(this.components, 'slow-disk', `the disk of ${id} is slow`)
    world.loop.after(time, () => {
      disk.slowdown = 1
    })
  }

  /** The next commit fails, and nobody knows what of it is on the disk. */
  private fail(time: number, prng: Prng): void {
    const machine = this.machines.victim(prng)
    if (machine === undefined) return
    machine.disk.failNext()
    fired(this.components, 'disk-error', `the disk of ${machine.id} fails`)
    this.components.world.loop.after(time, () => machine.start())
  }

  private fill(time: number, prng: Prng): void {
    const machine = this.machines.victim(prng)
    if (machine === undefined) return
    machine.disk.full = true
    fired(this.components, 'disk-full', `the disk of ${machine.id} is full`)
    this.components.world.loop.after(time, () => {
      machine.disk.full = false
      machine.start()
    })
  }

  /** A bit of a record flips, whether or not anybody will read it. */
  private flip(prng: Prng): void {
    const machine = prng.pick(this.components.cluster.machines)
    if (machine.disk.damage.flip(prng)) this.spoilt('bit-flip', machine, 'flips a bit')
  }

  /** A record is written to where another one lies, and the node starts again before it has looked. */
  private misdirect(time: number, prng: Prng): void {
    const { loop } = this.components.world
    const machine = this.machines.victim(prng)
    machine?.disk.damage.misdirectNext(prng, () => {
      this.spoilt('misdirected', machine, 'writes a record to the place of another')
      loop.after(prng.below(5_000), () => machine.crash(true))
      loop.after(time, () => machine.start())
    })
  }

  /** The power goes while a record is written, and half of it is on the disk. */
  private tear(time: number, prng: Prng): void {
    const machine = this.machines.victim(prng)
    if (machine === undefined) return
    machine.disk.damage.tearNext(() => this.spoilt('torn-write', machine, 'has a record torn'))
    machine.disk.onNextCommit = () =>
      this.components.world.loop.after(prng.below(500), () => {
        machine.crash(true)
        this.components.world.loop.after(time, () => machine.start())
      })
  }

  private spoilt(kind: FaultKind, machine: Machine, what: string): void {
    fired(this.components, kind, `the disk of ${machine.id} ${what}`)
  }
}
