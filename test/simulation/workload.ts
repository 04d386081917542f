import type { GetOutcome, PutOutcome } from '../../server/coordinator/outcome.ts'
import { toKvError } from '../../shared/errors.ts'
import { keyFromText } from '../../shared/key.ts'
import type { Attempt, History, ReadOp, WriteOp } from './history.ts'
import type { Answer, Machine } from './machine.ts'
import type { Prng } from './prng.ts'
import type { SimulatedCluster } from './simulated-cluster.ts'
import { RING, type Swarm } from './swarm.ts'
import type { World } from './world.ts'

/** What the clients give a request, and how much longer they wait for its answer, milliseconds. */
const TIMEOUT_MS = 2_000
const PATIENCE_MS = 500
const MAX_ATTEMPTS = 3
/** Of the keys, where clients move from one part to the next. */
const PARTS = 3

interface Client {
  readonly id: number
  readonly prng: Prng
  /** The latest reads of each key: their contexts go along with later writes, stale ones too. */
  readonly reads: Map<string, ReadOp[]>
}

/** Clients that read and write a few keys, and write down all that they ask and are told. */
export class Workload {
  private readonly world: World
  private readonly cluster: SimulatedCluster
  private readonly history: History
  private readonly swarm: Swarm
  private open = 0
  private over = false

  constructor(components: { world: World; cluster: SimulatedCluster; history: History }, swarm: Swarm) {
    this.world = components.world
    this.cluster = components.cluster
    this.history = components.history
    this.swarm = swarm
  }

  start(): void {
    for (let id = 1; id <= this.swarm.clients; id++) {
      const prng = this.world.prng.fork(`client ${id}`)
      this.next({ id, prng, reads: new Map() })
    }
  }

  /** No new operations. */
  stop(): void {
    this.over = true
  }

  /** Every operation has been answered or given up. */
  get idle(): boolean {
    return this.open === 0
  }

  /** One read, written into the history. */
  read(
    client: number,
    key: string,
    machine: Machine,
    r: number,
    final: boolean,
    done: (op: ReadOp) => void,
  ): void {
    const op = this.history.read({ client, key, node: machine.id, r, invokedAt: this.world.loop.now, final })
    this.note(client, `get ${key} r=${r} from ${machine.id}`)
    const options = { r, timeoutMs: TIMEOUT_MS }
    this.ask<GetOutcome>(
      machine,
      (node) => node.coordinator.get(keyFromText(key), options),
      (answer) => {
        op.completedAt = this.world.loop.now
        if (answer === undefined || answer.kind === 'lost' || answer.kind === 'refused')
          op.outcome = 'unknown'
        else if (answer.kind === 'rejected') {
          const error = toKvError(answer.error)
          op.outcome = error.kind.definite ? 'definite' : 'unknown'
          op.code = error.code
          if (error.code === 'internal') this.world.fail(machine.id, `failed get ${key}`, answer.error)
        } else {
          const { values, sloppy, replies, context } = answer.value
          Object.assign(op, { outcome: 'ok', sloppy, replies, context })
          op.values = values.map(({ value }) => value.toString('latin1'))
        }
        this.note(
          client,
          `get ${key} from ${machine.id}: ${op.outcome} ${op.code} ${op.values.map(short).join(',')}${op.sloppy ? ' sloppy' : ''}`,
        )
        this.world.count(`read ${op.outcome}${op.code && ` ${op.code}`}`)
        if (op.values.length > 1) this.world.count('read siblings')
        if (op.sloppy) this.world.count('read sloppy')
        done(op)
      },
    )
  }

  private next(client: Client): void {
    this.world.loop.after(client.prng.exponential(this.swarm.thinkMs * 1000), () => {
      if (this.over) return
      const { prng } = client
      const key = this.key(prng)
      const then = () => this.next(client)
      if (prng.chance(this.swarm.reads)) {
        const machine = prng.pick(this.cluster.served)
        this.read(client.id, key, machine, this.quorum(prng, RING.r), false, (op) => {
          if (op.outcome === 'ok') client.reads.set(key, [op, ...(client.reads.get(key) ?? [])].slice(0, 3))
          then()
        })
      } else this.attempt(client, this.draw(client, key), then)
    })
  }

  private key(prng: Prng): string {
    const { keys, moveEveryMs, sharedSlots } = this.swarm
    const parts = moveEveryMs > 0 ? PARTS : 1
    const turn = moveEveryMs > 0 ? Math.floor(this.world.loop.now / (moveEveryMs * 1000)) % parts : 0
    const size = keys / parts
    const number = Math.floor(turn * size + prng.below(Math.max(1, Math.floor(size))))
    return sharedSlots && number % 2 === 1 ? `{k${number - 1}}${number}` : `k${number}`
  }

  private draw(client: Client, key: string): WriteOp {
    const { prng } = client
    const { swarm } = this
    const reads = client.reads.get(key) ?? []
    return this.history.write({
      client: client.id,
      key,
      w: this.quorum(prng, RING.w),
      strict: swarm.mixedQuorums && prng.chance(0.2),
      deletes: prng.chance(swarm.deletes),
      ttlMs: swarm.ttl && prng.chance(0.2) ? prng.between(500, 10_000) : 0,
      basis: reads.length > 0 && prng.chance(swarm.contexts) ? prng.pick(reads) : undefined,
      padding: prng.chance(0.1) ? prng.below(300) : 0,
    })
  }

  private attempt(client: Client, write: WriteOp, then: () => void): void {
    const { prng } = client
    const machine = prng.pick(this.cluster.served)
    const attempt = this.history.attempt(write, machine.id, this.world.loop.now)
    const value = write.value === null ? null : Buffer.from(write.value, 'latin1')
    const options = {
      w: write.w,
      strict: write.strict,
      request: write.request,
      attempt: write.attempts.length - 1,
      timeoutMs: TIMEOUT_MS,
      ...(write.ttlMs > 0 && value !== null ? { ttlMs: write.ttlMs } : {}),
      ...(write.basis?.context === undefined ? {} : { context: write.basis.context }),
    }
    const name = `${write.value === null ? 'del' : 'put'} ${write.key} ${write.request}`
    this.note(
      client.id,
      `${name} w=${write.w}${write.strict ? ' strict' : ''}${write.basis ? ` after ${write.basis.values.map(short).join(',')}` : ''} to ${machine.id}`,
    )
    this.ask<PutOutcome>(
      machine,
      (node) => node.coordinator.put(keyFromText(write.key), value, options),
      (answer) => {
        this.settle(attempt, machine, name, answer)
        this.note(
          client.id,
          `${name} to ${machine.id}: ${attempt.outcome} ${attempt.code}${attempt.version} acks=${attempt.acks}${attempt.sloppy ? ' sloppy' : ''}`,
        )
        this.world.count(`write ${attempt.outcome}${attempt.code && ` ${attempt.code}`}`)
        const again = attempt.outcome === 'unknown' ? 0.7 : attempt.outcome === 'definite' ? 0.3 : 0
        if (write.attempts.length >= MAX_ATTEMPTS || !prng.chance(again)) return then()
        this.world.loop.after(prng.exponential(300_000), () => this.attempt(client, write, then))
      },
    )
  }

  private settle(
    attempt: Attempt,
    machine: Machine,
    name: string,
    answer: Answer<PutOutcome> | undefined,
  ): void {
    attempt.completedAt = this.world.loop.now
    if (answer === undefined || answer.kind === 'lost') attempt.outcome = 'unknown'
    else if (answer.kind === 'refused') attempt.outcome = 'definite'
    else if (answer.kind === 'rejected') {
      const error = toKvError(answer.error)
      attempt.outcome = error.kind.definite ? 'definite' : 'unknown'
      attempt.code = error.code
      if (error.code === 'internal' || error.code === 'invariant')
        this.world.fail(machine.id, `failed ${name}`, answer.error)
    } else {
      const { acks, sloppy, version } = answer.value
      Object.assign(attempt, { outcome: 'ok', acks, sloppy, version })
    }
  }

  /** `done` gets undefined when the client's patience is at its end first. */
  private ask<T>(
    machine: Machine,
    invoke: Parameters<typeof machine.request<T>>[0],
    done: (answer: Answer<T> | undefined) => void,
  ): void {
    this.open++
    let waiting = true
    const end = (answer: Answer<T> | undefined) => {
      if (!waiting) return
      waiting = false
      this.open--
      patience.cancel()
      done(answer)
    }
    const patience = this.world.loop.after((TIMEOUT_MS + PATIENCE_MS) * 1000, () => end(undefined))
    machine.request(invoke, end)
  }

  private quorum(prng: Prng, usual: number): number {
    return this.swarm.mixedQuorums && prng.chance(0.5) ? prng.between(1, RING.n) : usual
  }

  private note(client: number, what: string): void {
    this.world.note(`c${client}`, what)
  }
}

function short(value: string): string {
  return value.replace(/\.+$/, '')
}
