import type { Machine } from '../machine.ts'
import type { Prng } from '../prng.ts'
import type { FaultKind } from '../swarm.ts'
import { type FaultComponents, fired, type Strike } from './strike.ts'

type MachineFault = 'kill' | 'power' | 'blackout' | 'stop' | 'pause' | 'flap' | 'stutter'

/** What befalls processes and the machines that they run on. */
export class MachineFaults {
  readonly strikes: Readonly<Record<MachineFault, Strike>>
  private readonly components: FaultComponents

  constructor(components: FaultComponents) {
    this.components = components
    this.strikes = {
      kill: (time, prng) => this.down('kill', time, prng, (machine) => machine.crash(false)),
      power: (time, prng) => this.power(time, prng),
      blackout: (time, prng) => this.blackout(time, prng),
      stop: (time, prng) => this.down('stop', time, prng, (machine) => machine.stop()),
      pause: (time, prng) => this.pause(time, prng),
      flap: (time, prng) => this.flap(time, prng),
      stutter: (time, prng) => this.stutter(time, prng),
    }
  }

  /** Every machine loses its power at once. */
  cutAll(time: number, prng: Prng): void {
    const { cluster, world } = this.components
    for (const machine of cluster.machines) {
      machine.crash(true)
      world.loop.after(time / 4 + prng.below(500_000), () => machine.start())
    }
  }

  /** A machine that may be taken away now. */
  victim(prng: Prng): Machine | undefined {
    const { cluster, swarm } = this.components
    const away = cluster.machines.filter((machine) => machine.process?.state !== 'running')
    if (away.length >= swarm.maxDown) return undefined
    return prng.pick(cluster.machines.filter((machine) => !away.includes(machine)))
  }

  private down(kind: FaultKind, time: number, prng: Prng, take: (machine: Machine) => void): void {
    const machine = this.victim(prng)
    if (machine === undefined) return
    this.components.world.count(`fault ${kind}`)
    take(machine)
    this.components.world.loop.after(time, () => machine.start())
  }

  private power(time: number, prng: Prng): void {
    const machine = this.victim(prng)
    if (machine === undefined) return
    this.components.world.count('fault power')
    this.strikeCommit(machine, prng, () => {
      machine.crash(true)
      this.components.world.loop.after(time, () => machine.start())
    })
  }

  private blackout(time: number, prng: Prng): void {
    const { cluster } = this.components
    fired(this.components, 'blackout', 'blackout')
    this.strikeCommit(prng.pick(cluster.machines), prng, () => this.cutAll(time, prng))
  }

  /** Half the time at once, and half at the worst moment: while a commit of the machine is under way. */
  private strikeCommit(machine: Machine, prng: Prng, strike: () => void): void {
    const { world, over } = this.components
    if (prng.chance(0.5)) return strike()
    machine.disk.onNextCommit = () =>
      world.loop.after(prng.below(3_000), () => {
        if (!over()) strike()
      })
  }

  private pause(time: number, prng: Prng): void {
    const machine = this.victim(prng)
    if (machine === undefined) return
    this.components.world.count('fault pause')
    machine.pause()
    this.components.world.loop.after(time, () => machine.resume())
  }

  /** Down and up, again and again: as a process that crashes soon after each start. */
  private flap(time: number, prng: Prng): void {
    const { world, over } = this.components
    const machine = this.victim(prng)
    if (machine === undefined) return
    fired(this.components, 'flap', `${machine.id} flaps`)
    const endsAt = world.loop.now + time
    const fall = () => {
      if (over() || world.loop.now > endsAt) return
      machine.crash(false)
      world.loop.after(prng.exponential(150_000), () => {
        machine.start()
        world.loop.after(prng.exponential(400_000), fall)
      })
    }
    fall()
  }

  /** A node that gets little of its processor: it stands still for a while, and again. */
  private stutter(time: number, prng: Prng): void {
    const { world, over } = this.components
    const machine = this.victim(prng)
    if (machine === undefined) return
    fired(this.components, 'stutter', `${machine.id} stutters`)
    const endsAt = world.loop.now + time
    const halt = () => {
      if (over() || world.loop.now > endsAt) return
      machine.process?.pause()
      world.loop.after(prng.exponential(80_000), () => {
        machine.process?.resume()
        world.loop.after(prng.exponential(40_000), halt)
      })
    }
    halt()
  }
}
