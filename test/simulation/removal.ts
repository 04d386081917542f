import type { Machine } from './machine.ts'
import type { Prng } from './prng.ts'
import type { SimulatedCluster } from './simulated-cluster.ts'
import type { Swarm } from './swarm.ts'
import { EPOCH_MS } from './virtual-clock.ts'
import type { World } from './world.ts'

/** How often a node that was removed is looked at, microseconds: as main does it, it ends when it has heard of it. */
const LOOK_EVERY = 250_000
/** For the answers of a node that leaves to arrive, microseconds. */
const LAST_WORDS = 3_000_000
const RULE = 'removal'
const RULE_FOR_MS = 3_600_000

/**
 * One node leaves for good, and after a while an operator takes it out of the ring: it is dead, comes back later with
 * the disk that it had, or was alive all the time, out of the others' reach but not of the clients'.
 */
export class Removal {
  private readonly world: World
  private readonly cluster: SimulatedCluster
  private readonly how: Swarm['removal']
  private readonly prng: Prng
  private readonly look: () => void
  private gone: Machine | undefined
  private goneAt = 0
  private backAt = 0
  private decided = false
  /** Those who take its place are not filled for a while. */
  private slow: boolean

  /** @param look reads what there is, from everywhere: the operator wants to see that all is well. */
  constructor(
    components: { world: World; cluster: SimulatedCluster; look: () => void },
    swarm: Pick<Swarm, 'removal'>,
  ) {
    this.world = components.world
    this.cluster = components.cluster
    this.look = components.look
    this.how = swarm.removal
    this.prng = components.world.prng.fork('removal')
    this.slow = this.prng.chance(0.7)
  }

  start(): void {
    if (this.how === 'never') return
    const { world, prng } = this
    world.loop.after(prng.between(3_000_000, 35_000_000), () => this.leave(prng.pick(this.cluster.machines)))
  }

  /**
   * Nobody holds up what there is to do. Who heals all the faults of the network has healed this one with them: it goes
   * on, as the only copies would be handed to a node that is out of the ring a moment later.
   */
  heal(): void {
    this.slow = false
    this.resumeRepair()
    if (this.how === 'cut-off' && this.gone !== undefined && this.backAt === 0) this.cutOff(this.gone)
  }

  /** Nothing is left to be done: the ring has decided, and what was removed has ended. */
  get over(): boolean {
    return this.how === 'never' || (this.decided && this.gone?.up === false)
  }

  private leave(machine: Machine): void {
    const { world, cluster, prng, how } = this
    world.count(`removal ${how}`)
    world.note('operator', `loses ${machine.id} (${how})`)
    cluster.part(machine, how === 'cut-off')
    machine.parted = true
    this.gone = machine
    this.goneAt = world.loop.now
    // What it had, and what it has just said to others.
    world.losses.push({ from: this.goneAt, until: this.goneAt + LAST_WORDS })
    machine.disk.onNextCommit = undefined
    if (how === 'cut-off') this.cutOff(machine)
    else {
      machine.crash(prng.chance(0.5))
      machine.dead = true
    }
    world.loop.after(prng.between(2_000_000, 8_000_000), () => this.remove(machine))
  }

  /** Again and again, as it may be paused or killed meanwhile. */
  private cutOff(machine: Machine): void {
    const rule = { id: RULE, kind: 'partition' as const, groups: [[machine.id]], oneWay: false }
    this.world.network.rules.add({ ...rule, untilMs: EPOCH_MS + RULE_FOR_MS })
    machine.resume()
    machine.start()
  }

  /** The operator asks one node after the other until one says that it is done. */
  private remove(machine: Machine): void {
    const { world, cluster, prng } = this
    if (this.how === 'cut-off') this.cutOff(machine)
    if (this.slow) for (const { node } of cluster.machines) node?.repair.pause()
    const again = () => world.loop.after(prng.between(300_000, 1_500_000), () => this.remove(machine))
    const asked = prng.pick(cluster.machines)
    asked.request(
      (node) => node.removeNode(machine.id, false),
      (answer) => {
        const why = answer.kind === 'rejected' ? `: ${String(answer.error)}` : ''
        world.note('operator', `asks ${asked.id} to remove ${machine.id}: ${answer.kind}${why}`)
        if (answer.kind !== 'answered') return again()
        this.decided = true
        world.count('removal decided')
        this.look()
        world.loop.after(prng.exponential(8_000_000), () => this.resumeRepair())
        world.loop.after(prng.exponential(3_000_000), () => this.comeBack(machine))
      },
    )
  }

  private resumeRepair(): void {
    for (const { node } of this.cluster.machines) node?.repair.resume()
  }

  private comeBack(machine: Machine): void {
    if (this.how === 'dead') return
    const { world } = this
    world.note('operator', `${machine.id} is back`)
    this.backAt = world.loop.now
    world.network.rules.heal(RULE)
    machine.dead = false
    machine.start()
    this.watch(machine)
  }

  private watch(machine: Machine): void {
    if (machine.node?.healthy() === false) machine.crash(false)
    if (machine.up) {
      this.world.loop.after(LOOK_EVERY, () => this.watch(machine))
      return
    }
    machine.dead = true
    const { losses, loop } = this.world
    // What it has acknowledged alone; and together with others, if any have let it, since it was back.
    losses.push({ from: this.goneAt, since: this.goneAt, until: loop.now, by: machine.id })
    losses.push({ from: this.backAt, since: this.backAt, until: loop.now + LAST_WORDS })
  }
}
