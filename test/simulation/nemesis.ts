import type { FaultRule } from '../../shared/api.ts'
import { type Machine, STOP_WITHIN } from './machine.ts'
import type { Prng } from './prng.ts'
import type { SimulatedCluster } from './simulated-cluster.ts'
import type { FaultKind, Swarm } from './swarm.ts'
import { EPOCH_MS } from './virtual-clock.ts'
import type { World } from './world.ts'

/** Rules are healed by the nemesis, long before this. */
const RULE_FOR_MS = 3_600_000

/** Strikes the ring with the swarm's faults until it is told to stop, and then heals all. */
export class Nemesis {
  private readonly world: World
  private readonly cluster: SimulatedCluster
  private readonly swarm: Swarm
  private readonly prng: Prng
  private readonly strikes: Readonly<Record<FaultKind, (forMicros: number) => void>>
  private over = false
  private rules = 0

  constructor(components: { world: World; cluster: SimulatedCluster }, swarm: Swarm) {
    this.world = components.world
    this.cluster = components.cluster
    this.swarm = swarm
    this.prng = components.world.prng.fork('nemesis')
    this.strikes = {
      loss: (time) => this.links(time, { loss: this.prng.pick([0.02, 0.2, 0.6]) }),
      delay: (time) =>
        this.links(time, {
          latencyMs: this.prng.pick([5, 100, 1500]),
          jitterMs: this.prng.pick([0, 50, 500]),
        }),
      reorder: (time) => this.links(time, { reorder: this.prng.pick([0.1, 0.5]) }),
      duplicate: (time) => this.links(time, { duplicate: this.prng.pick([0.1, 0.5]) }),
      partition: (time) => this.partition(time, this.prng.between(2, 3), false),
      'one-way': (time) => this.partition(time, this.prng.between(1, 4), true),
      isolate: (time) => this.partition(time, 1, false),
      reset: () => this.reset(),
      kill: (time) => this.down('kill', time, (machine) => machine.crash(false)),
      power: (time) => this.power(time),
      blackout: (time) => this.blackout(time),
      stop: (time) => this.down('stop', time, (machine) => machine.stop()),
      pause: (time) => this.pause(time),
      clock: () => this.setClock(),
      'slow-disk': (time) => this.slowDisk(time),
    }
  }

  start(): void {
    if (this.swarm.wipe) this.world.loop.after(this.prng.between(5_000_000, 50_000_000), () => this.wipe())
    if (this.swarm.faults.length > 0) this.next()
  }

  /** No further fault strikes, and those in force end. Clocks stay as they are. */
  heal(): void {
    this.over = true
    this.world.note('nemesis', 'heals all')
    this.world.network.rules.heal()
    for (const machine of this.cluster.machines) {
      machine.disk.slowdown = 1
      machine.disk.onNextCommit = undefined
      machine.resume()
    }
    this.cluster.startAll()
    // Whoever was on the way to a clean stop is down by then.
    this.world.loop.after(STOP_WITHIN + 1_000_000, () => this.cluster.startAll())
  }

  /** The last act: all power goes while a commit is under way, and nothing written later hides what that lost. */
  finale(): void {
    this.world.note('nemesis', 'waits for a commit, and cuts all power')
    this.prng.pick(this.cluster.machines).disk.onNextCommit = () =>
      this.world.loop.after(this.prng.below(3_000), () => this.cutAll(2_000_000))
  }

  private next(): void {
    this.world.loop.after(this.prng.exponential(this.swarm.faultEveryMs * 1000), () => {
      if (this.over) return
      const kind = this.prng.pick(this.swarm.faults)
      this.strikes[kind](this.prng.exponential(this.swarm.faultForMs * 1000))
      this.next()
    })
  }

  private fired(kind: FaultKind, what: string): void {
    this.world.count(`fault ${kind}`)
    this.world.note('nemesis', what)
  }

  private links(time: number, effect: Omit<FaultRule, 'id' | 'kind' | 'untilMs'>): void {
    const ids = this.cluster.machines.map((machine) => machine.id)
    const share = this.prng.pick([0.1, 0.5, 1])
    for (const from of ids) {
      for (const to of ids)
        if (from !== to && this.prng.chance(share)) this.rule(time, { kind: 'link', from, to, ...effect })
    }
    const kind = effect.loss !== undefined ? 'loss' : effect.latencyMs !== undefined ? 'delay' : undefined
    this.fired(
      kind ?? (effect.reorder !== undefined ? 'reorder' : 'duplicate'),
      `links: ${JSON.stringify(effect)}`,
    )
  }

  private partition(time: number, size: number, oneWay: boolean): void {
    const group = this.prng.shuffle(this.cluster.machines.map((machine) => machine.id)).slice(0, size)
    this.rule(time, { kind: 'partition', groups: [group], oneWay })
    const kind = oneWay ? 'one-way' : size === 1 ? 'isolate' : 'partition'
    this.fired(kind, `${kind}: ${group.join(',')}`)
  }

  private rule(time: number, fields: Omit<FaultRule, 'id' | 'untilMs'>): void {
    const { network, loop } = this.world
    const id = `f${++this.rules}`
    if (network.rules.list().length > 200) return
    network.rules.add({ id, untilMs: EPOCH_MS + loop.now / 1000 + RULE_FOR_MS, ...fields })
    loop.after(time, () => network.rules.heal(id))
  }

  private reset(): void {
    const [a, b] = this.prng.shuffle(this.cluster.machines)
    if (a === undefined || b === undefined) return
    this.world.network.break(a.id, b.id)
    this.fired('reset', `connection ${a.id} ${b.id} breaks`)
  }

  /** A machine that may be taken away now. */
  private victim(): Machine | undefined {
    const away = this.cluster.machines.filter((machine) => machine.process?.state !== 'running')
    if (away.length >= this.swarm.maxDown) return undefined
    return this.prng.pick(this.cluster.machines.filter((machine) => !away.includes(machine)))
  }

  private down(kind: FaultKind, time: number, take: (machine: Machine) => void): void {
    const machine = this.victim()
    if (machine === undefined) return
    this.world.count(`fault ${kind}`)
    take(machine)
    this.world.loop.after(time, () => machine.start())
  }

  private power(time: number): void {
    const machine = this.victim()
    if (machine === undefined) return
    this.world.count('fault power')
    this.strikeCommit(machine, () => {
      machine.crash(true)
      this.world.loop.after(time, () => machine.start())
    })
  }

  private blackout(time: number): void {
    this.fired('blackout', 'blackout')
    this.strikeCommit(this.prng.pick(this.cluster.machines), () => this.cutAll(time))
  }

  private cutAll(time: number): void {
    for (const machine of this.cluster.machines) {
      machine.crash(true)
      this.world.loop.after(time / 4 + this.prng.below(500_000), () => machine.start())
    }
  }

  /** Half the time at once, and half at the worst moment: while a commit of the machine is under way. */
  private strikeCommit(machine: Machine, strike: () => void): void {
    if (this.prng.chance(0.5)) return strike()
    machine.disk.onNextCommit = () =>
      this.world.loop.after(this.prng.below(3_000), () => {
        if (!this.over) strike()
      })
  }

  private pause(time: number): void {
    const machine = this.victim()
    if (machine === undefined) return
    this.world.count('fault pause')
    machine.pause()
    this.world.loop.after(time, () => machine.resume())
  }

  private setClock(): void {
    const machine = this.prng.pick(this.cluster.machines)
    const bound = Math.max(this.swarm.skewMs, 100) / 2
    const offset = Math.round((this.prng.real() * 2 - 1) * bound)
    this.fired('clock', `the clock of ${machine.id} is set by ${offset - machine.time.offsetMs} ms`)
    machine.time.offsetMs = offset
  }

  private slowDisk(time: number): void {
    const { disk, id } = this.prng.pick(this.cluster.machines)
    disk.slowdown = this.prng.pick([10, 100, 500])
    this.fired('slow-disk', `the disk of ${id} is slow`)
    this.world.loop.after(time, () => {
      disk.slowdown = 1
    })
  }

  private wipe(): void {
    if (this.over) return
    const machine = this.prng.pick(this.cluster.machines)
    machine.crash(true)
    machine.disk.wipe()
    this.world.count('fault wipe')
    this.world.note('nemesis', `the disk of ${machine.id} is wiped`)
    this.world.wipes.push(this.world.loop.now)
    this.world.loop.after(this.prng.below(2_000_000), () => machine.start())
  }
}
