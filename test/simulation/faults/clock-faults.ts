import type { Prng } from '../prng.ts'
import { type FaultComponents, fired, type Strike } from './strike.ts'

type ClockFault = 'clock' | 'far-clock' | 'drift'

/** What wall clocks do: step, step by more than any node may trust, and run at another rate. */
export class ClockFaults {
  readonly strikes: Readonly<Record<ClockFault, Strike>>
  private readonly components: FaultComponents
  /** By how much each clock that stands far off is to be set back. */
  private readonly far = new Map<string, number>()

  constructor(components: FaultComponents) {
    this.components = components
    this.strikes = {
      clock: (_time, prng) => this.step(prng),
      'far-clock': (time, prng) => this.stepFar(time, prng),
      drift: (_time, prng) => this.drift(prng),
    }
  }

  /** Clocks that no node may trust are set right; the others stay as they are. */
  heal(): void {
    for (const id of [...this.far.keys()]) this.setBack(id)
  }

  private step(prng: Prng): void {
    const { cluster, swarm } = this.components
    const machine = prng.pick(cluster.machines)
    if (this.far.has(machine.id)) return
    const bound = Math.max(swarm.skewMs, 100) / 2
    const offset = Math.round((prng.real() * 2 - 1) * bound)
    fired(
      this.components,
      'clock',
      `the clock of ${machine.id} is set by ${offset - machine.time.offsetMs} ms`,
    )
    machine.time.offsetMs = offset
  }

  /** One clock at a time: of five, the others can tell that it is wrong. */
  private stepFar(time: number, prng: Prng): void {
    const { cluster, world } = this.components
    if (this.far.size > 0) return
    const machine = prng.pick(cluster.machines)
    const step = prng.between(90_000, 900_000) * (prng.chance(0.5) ? 1 : -1)
    machine.time.offsetMs += step
    this.far.set(machine.id, step)
    fired(this.components, 'far-clock', `the clock of ${machine.id} is set by ${step} ms, for a while`)
    world.loop.after(time, () => this.setBack(machine.id))
  }

  private setBack(id: string): void {
    const { machines, gone } = this.components.cluster
    const machine = [...machines, ...gone].find((one) => one.id === id)
    const step = this.far.get(id)
    if (machine === undefined || step === undefined) return
    this.far.delete(id)
    machine.time.offsetMs -= step
    this.components.world.note('nemesis', `the clock of ${id} is set right`)
  }

  private drift(prng: Prng): void {
    const { cluster } = this.components
    const machine = prng.pick(cluster.machines)
    const ppm = prng.between(-5_000, 5_000)
    machine.time.setDrift(ppm)
    fired(this.components, 'drift', `the clock of ${machine.id} runs ${ppm} ppm fast`)
  }
}
