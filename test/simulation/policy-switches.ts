import type { ConflictPolicy } from '../../server/causality/record.ts'
import type { Machine } from './machine.ts'
import type { Prng } from './prng.ts'
import type { SimulatedCluster } from './simulated-cluster.ts'
import type { Swarm } from './swarm.ts'
import { EPOCH_MS } from './virtual-clock.ts'
import type { World } from './world.ts'

/** How long the ring may take to decide: a few round trips and commits, microseconds. */
const DECIDING = 40_000
/** Mean time for which it then falls apart, microseconds: others decide meanwhile. */
const APART = 1_500_000
/** Until a process that was killed is there again, microseconds. */
const RESTART = 30_000

/**
 * Operators who cannot agree: now and then one has the ring change its conflict policy, and often another one, at the
 * same time and elsewhere, asks for the other. So layouts are decided against each other while faults strike; and at
 * the worst moment, as the ring falls apart between two who decide, and some of them are killed.
 */
export class PolicySwitches {
  private readonly world: World
  private readonly cluster: SimulatedCluster
  private readonly everyMs: number
  private readonly prng: Prng
  private stopped = false
  private underWay = 0

  constructor(
    components: { world: World; cluster: SimulatedCluster; prng: Prng },
    swarm: Pick<Swarm, 'policyEveryMs'>,
  ) {
    this.world = components.world
    this.cluster = components.cluster
    this.everyMs = swarm.policyEveryMs
    this.prng = components.prng
  }

  start(): void {
    if (this.everyMs === 0 || this.stopped) return
    this.world.loop.after(this.prng.exponential(this.everyMs * 1000), () => {
      if (this.stopped) return
      this.dispute()
      this.start()
    })
  }

  stop(): void {
    this.stopped = true
  }

  /** Nobody waits for an answer. */
  get idle(): boolean {
    return this.underWay === 0
  }

  private dispute(): void {
    const { prng, world } = this
    const order = prng.shuffle(this.cluster.machines)
    const [first, second] = order as [Machine, Machine]
    const [one, other]: ConflictPolicy[] = prng.chance(0.5) ? ['lww', 'siblings'] : ['siblings', 'lww']
    this.ask(first, one as ConflictPolicy)
    if (prng.chance(0.3)) return
    if (prng.chance(0.3)) return this.ask(second, other as ConflictPolicy)
    world.loop.after(prng.below(DECIDING), () => {
      if (this.stopped) return
      const besides = order.slice(2).filter(() => prng.chance(0.4))
      this.part([first, ...besides])
      for (const machine of order.slice(1))
        if (!besides.includes(machine) && prng.chance(0.3)) this.restart(machine)
      this.ask(second, other as ConflictPolicy)
    })
  }

  private part(side: readonly Machine[]): void {
    const { world, prng } = this
    const untilMs = EPOCH_MS + (world.loop.now + prng.exponential(APART)) / 1000
    const groups = [side.map(({ id }) => id)]
    world.count('policy disputed across a partition')
    world.network.rules.add({
      id: `dispute ${world.loop.now}`,
      kind: 'partition',
      groups,
      oneWay: false,
      untilMs,
    })
  }

  private restart(machine: Machine): void {
    if (!machine.up) return
    machine.crash(false)
    this.world.loop.after(RESTART, () => machine.start())
  }

  private ask(machine: Machine, policy: ConflictPolicy): void {
    const { world } = this
    this.underWay++
    machine.request(
      (node) => node.changePolicy(policy),
      (answer) => {
        this.underWay--
        world.note('operator', `asks ${machine.id} for ${policy}: ${answer.kind}`)
        if (answer.kind === 'answered' && answer.value.changed) world.count('policy changed')
      },
    )
  }
}
