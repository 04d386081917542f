import type { OrderedBytes } from '../ordered-bytes.ts'
import type { MachineFaults } from './machine-faults.ts'
import { type FaultComponents, fired, type Strike } from './strike.ts'

type DiskFault = 'slow-disk' | 'disk-error' | 'disk-full'

/** What disks do: go slow, fail, fill up, and, once a seed at the most, come back empty or as they were before. */
export class DiskFaults {
  readonly strikes: Readonly<Record<DiskFault, Strike>>
  private readonly components: FaultComponents
  private readonly machines: MachineFaults

  constructor(components: FaultComponents, machines: MachineFaults) {
    this.components = components
    this.machines = machines
    this.strikes = {
      'slow-disk': (time) => this.slow(time),
      'disk-error': (time) => this.fail(time),
      'disk-full': (time) => this.fill(time),
    }
  }

  /** A disk that was emptied, or replaced. */
  wipe(): void {
    const { world } = this.components
    world.count('fault wipe')
    this.replace('is wiped', undefined)
  }

  /** A disk that is put back to what it was a while before: a backup, or a snapshot of a virtual machine. */
  restore(): void {
    const { world, cluster, prng, over } = this.components
    const machine = prng.pick(cluster.machines)
    const snapshot = machine.disk.snapshot()
    world.loop.after(prng.between(500_000, 10_000_000), () => {
      if (over()) return
      world.count('fault restore')
      this.replace('is put back to a snapshot', snapshot, machine.id)
    })
  }

  private replace(what: string, content: OrderedBytes | undefined, id?: string): void {
    const { world, cluster, prng } = this.components
    const machine = cluster.machines.find((one) => one.id === id) ?? prng.pick(cluster.machines)
    machine.crash(true)
    machine.disk.replace(content)
    world.note('nemesis', `the disk of ${machine.id} ${what}`)
    world.wipes.push(world.loop.now)
    world.loop.after(prng.below(2_000_000), () => machine.start())
  }

  private slow(time: number): void {
    const { prng, cluster, world } = this.components
    const { disk, id } = prng.pick(cluster.machines)
    disk.slowdown = prng.pick([10, 100, 500])
    fired(this.components, 'slow-disk', `the disk of ${id} is slow`)
    world.loop.after(time, () => {
      disk.slowdown = 1
    })
  }

  /** The next commit fails, and nobody knows what of it is on the disk. */
  private fail(time: number): void {
    const machine = this.machines.victim()
    if (machine === undefined) return
    machine.disk.failNext()
    fired(this.components, 'disk-error', `the disk of ${machine.id} fails`)
    this.components.world.loop.after(time, () => machine.start())
  }

  private fill(time: number): void {
    const machine = this.machines.victim()
    if (machine === undefined) return
    machine.disk.full = true
    fired(this.components, 'disk-full', `the disk of ${machine.id} is full`)
    this.components.world.loop.after(time, () => {
      machine.disk.full = false
      machine.start()
    })
  }
}
