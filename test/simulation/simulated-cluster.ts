import { type Key, keyFromText } from '../../shared/key.ts'
import type { FinalCopy } from './evidence.ts'
import { Machine, type NodeFactory } from './machine.ts'
import type { Observations } from './observations.ts'
import { SimulatedDisk } from './simulated-disk.ts'
import { RING, type Swarm } from './swarm.ts'
import type { World } from './world.ts'

/** Too few for all records, so that some are read from the disk. */
export const RECORD_CACHE_BYTES = 1 << 16

/** The machines of a ring. */
export class SimulatedCluster {
  /** Of the members of the ring. */
  machines: readonly Machine[]
  /** Those that were. */
  gone: readonly Machine[] = []
  /** Those that clients know: also one that the others have lost. */
  served: readonly Machine[]
  private readonly world: World

  constructor(components: { world: World; makeNode: NodeFactory; observations: Observations }, swarm: Swarm) {
    const { world, makeNode, observations } = components
    this.world = world
    const machines: Machine[] = []
    for (let index = 1; index <= RING.nodes; index++) {
      const id = `n${index}`
      const prng = world.prng.fork(id)
      const disk = new SimulatedDisk(
        { world, prng: prng.fork('disk'), observations },
        { node: id, commitMicros: swarm.commitMicros },
      )
      const offsetMs = swarm.skewMs === 0 ? 0 : prng.between(-swarm.skewMs / 2, swarm.skewMs / 2)
      const driftPpm = swarm.driftPpm === 0 ? 0 : prng.between(-swarm.driftPpm, swarm.driftPpm)
      const node = {
        id,
        cluster: 'simulated',
        secret: Buffer.from('a secret of the simulation'),
        zone: `z${index % swarm.zones}`,
        peerAddress: { host: `10.0.0.${index}`, port: 7201 },
        http: `http://10.0.0.${index}:7001`,
        bootstrapExpect: RING.nodes,
        n: RING.n,
        r: RING.r,
        w: RING.w,
        conflicts: swarm.conflicts,
        maxSkewMs: swarm.maxSkewMs,
        maxValueBytes: 1 << 20,
        requestTimeoutMs: 3_000,
        maxHintBytes: swarm.hintBytes,
        repairEveryMs: swarm.repairEveryMs,
        scrubEveryMs: swarm.scrubEveryMs,
        tombstoneMinAgeMs: swarm.tombstoneMinAgeMs,
        maxHintAgeMs: swarm.maxHintAgeMs,
        recordCacheBytes: RECORD_CACHE_BYTES,
        chaos: false,
      }
      machines.push(new Machine({ world, prng, disk, makeNode }, { node, offsetMs, driftPpm }))
    }
    this.machines = machines
    this.served = machines
  }

  /** Starts every machine that is down, each within half a second. */
  startAll(): void {
    for (const machine of this.machines) {
      this.world.loop.after(this.world.prng.below(500_000), () => machine.start())
    }
  }

  /** The others have lost the machine for good. @param served clients may reach it all the same. */
  part(machine: Machine, served: boolean): void {
    this.machines = this.machines.filter((other) => other !== machine)
    this.gone = [...this.gone, machine]
    if (!served) this.served = this.machines
  }

  get ready(): boolean {
    return this.machines.every((machine) => machine.ready)
  }

  get hintsHeld(): number {
    let held = 0
    for (const { node } of this.machines) for (const hint of node?.hints().hints ?? []) held += hint.count
    return held
  }

  /** Keys of which only tombstones are left, on all nodes together. */
  get tombstones(): number {
    return this.machines.reduce((sum, { node }) => sum + (node?.tombstones().tombstones ?? 0), 0)
  }

  /** Every node sees a whole ring. */
  get healthy(): boolean {
    return this.machines.every(({ node }) => node?.status().health === 'ok')
  }

  /** What keeps the ring from being whole. */
  complaints(): string {
    const complaints = this.machines.map(({ id, node, process }) => {
      if (node === undefined) return `${id} is down`
      const hints = node.hints().hints.map((hint) => `${hint.count} hints for ${hint.target}`)
      const { health, reason } = node.status()
      return [`${id} ${process?.state}`, node.readiness().reason, health, reason, ...hints]
        .filter(Boolean)
        .join(', ')
    })
    return complaints.join('; ')
  }

  /** Every node compares its data with that of all others. @returns whether all have done so. */
  compareAll(): () => boolean {
    const rounds = this.machines.map(({ node }) => {
      const { rounds } = node?.repair.repairStatus() ?? { rounds: 0 }
      node?.repair.compareNow()
      return rounds
    })
    return () =>
      this.machines.every(({ node }, i) => (node?.repair.repairStatus().rounds ?? 0) > (rounds[i] as number))
  }

  /** Every node reads all that is on its disk. @returns whether all have done so. */
  scrubAll(): () => boolean {
    const passes = this.machines.map(({ node }) => {
      node?.repair.scrubNow()
      return node?.repair.scrubStatus().passes ?? 0
    })
    return () =>
      this.machines.every(({ node }, i) => (node?.repair.scrubStatus().passes ?? 0) > (passes[i] as number))
  }

  /** No node knows of a difference, nor found one in its last comparisons. */
  get agreed(): boolean {
    return this.machines.every(({ node }) =>
      node?.repair.repairStatus().peers.every(({ slotsDiffering }) => slotsDiffering === 0),
    )
  }

  /** Adds the counters of the nodes that run to the marks. */
  harvest(): void {
    for (const { node } of this.machines) if (node !== undefined) this.world.harvest(node)
  }

  /** What every disk holds of the key. */
  copies(text: string): FinalCopy[] {
    const key: Key = keyFromText(text)
    const owners = new Set<string>()
    const located = this.machines.find((machine) => machine.node !== undefined)?.node?.locate(key)
    for (const { id, role } of located?.preferenceList ?? []) if (role === 'owner') owners.add(id)
    return this.machines.map((machine) => {
      const { bytes, record } = machine.disk.look(key)
      return { key: text, node: machine.id, owner: owners.has(machine.id), bytes, record }
    })
  }
}
