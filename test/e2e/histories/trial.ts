import path from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { KeyRecord } from '../../../server/causality/record.ts'
import { CorruptRecord, decodeRecord } from '../../../server/causality/record-codec.ts'
import { dataAddress } from '../../../server/replica/data-address.ts'
import type { HintsStatus, LocateResult, RingStatus, TombstonesStatus } from '../../../shared/api.ts'
import { keyFromText } from '../../../shared/key.ts'
import type { KeyReport } from '../../../shared/key-report.ts'
import { eventually } from '../../eventually.ts'
import { CHECKERS } from '../../simulation/checkers/checkers.ts'
import { fates } from '../../simulation/checkers/elements.ts'
import { digestFault } from '../../simulation/digest-fault.ts'
import type { Evidence, FinalCopy, Violation } from '../../simulation/evidence.ts'
import { History } from '../../simulation/history.ts'
import { Observations } from '../../simulation/observations.ts'
import { OrderedBytes } from '../../simulation/ordered-bytes.ts'
import { Prng } from '../../simulation/prng.ts'
import { KvUser } from '../kv-user.ts'
import { ProcessRing } from '../process-ring.ts'
import { hasSmallDisks, SmallDisk } from '../small-disk.ts'
import { HttpClients } from './http-clients.ts'
import { ProcessNemesis } from './nemesis.ts'
import { Recording } from './recording.ts'
import { TrialNodes } from './trial-nodes.ts'

const MINUTE = 60_000
const RING = { n: 3, r: 2, w: 2 }
const SMALL_DISK_MIB = 128

/** Of each key that was used. */
type Owners = ReadonlyMap<string, ReadonlySet<string>>

export interface TrialSettings {
  readonly seed: number
  readonly conflicts: Evidence['conflicts']
  /** How long clients are served under faults. */
  readonly seconds: number
  /** How far the clocks of two nodes may be apart, milliseconds. */
  readonly skewMs: number
  /** 0 keeps tombstones for ever. */
  readonly tombstoneMinAgeMs: number
  readonly faults?: boolean
  readonly loses?: string
}

export interface TrialResult {
  readonly evidence: Evidence
  readonly violations: readonly Violation[]
  readonly marks: ReadonlyMap<string, number>
}

/**
 * A ring of real processes serves clients under faults and is healed, as one seed of the simulator is; what the
 * clients were told, and what the disks were given and hold in the end, is judged by the same checkers.
 */
export async function tryRing(settings: TrialSettings): Promise<TrialResult> {
  const user = new KvUser()
  const disk = hasSmallDisks() ? await SmallDisk.mount(user.file('disk'), SMALL_DISK_MIB) : undefined
  const ring = ringOf(user, settings)
  try {
    return await new Trial({ user, disk, ring }, settings).run()
  } finally {
    await ring.dispose()
    await disk?.dispose()
    await user.dispose()
  }
}

function ringOf(user: KvUser, { conflicts, tombstoneMinAgeMs }: TrialSettings): ProcessRing {
  const flags = [
    ...['--chaos', '--repair-every-ms', '1000', '--log-level', 'warn'],
    ...['--conflicts', conflicts === 'switched' ? 'lww' : conflicts],
    ...['--tombstones-min-age-ms', String(tombstoneMinAgeMs)],
  ]
  return new ProcessRing({ user }, { ids: ['n1', 'n2', 'n3', 'n4', 'n5'], flags })
}

class Trial {
  private readonly settings: TrialSettings
  private readonly ring: ProcessRing
  private readonly history = new History()
  private readonly recording: Recording
  private readonly nodes: TrialNodes
  private readonly clients: HttpClients
  private readonly nemesis: ProcessNemesis

  constructor(
    components: { user: KvUser; disk: SmallDisk | undefined; ring: ProcessRing },
    settings: TrialSettings,
  ) {
    const { user, disk, ring } = components
    const prng = new Prng(settings.seed, 'trial')
    this.settings = settings
    this.ring = ring
    this.recording = new Recording(user.file('recordings'))
    const { recording, history } = this
    this.nodes = new TrialNodes({ user, recording, prng: prng.fork('nodes'), disk }, settings)
    const { nodes } = this
    this.clients = new HttpClients(
      { ring, nodes: nodes.ids, history, prng: prng.fork('clients') },
      { clients: 10, keys: 40, thinkMs: 20, ...RING },
    )
    const switchesPolicy = settings.conflicts === 'switched'
    this.nemesis = new ProcessNemesis({ user, ring, nodes, prng: prng.fork('nemesis'), disk, switchesPolicy })
  }

  async run(): Promise<TrialResult> {
    const { nodes, clients, nemesis, ring, settings } = this
    await nodes.startAll(ring)
    clients.start()
    if (settings.faults !== false) nemesis.start()
    await new Promise((resolve) => setTimeout(resolve, settings.seconds * 1000))
    await clients.stop()
    await nemesis.heal()
    const violations: Violation[] = []
    const owners = await this.settle(violations)
    const ended = await Promise.all(nodes.ids.map((id) => ring.node(id).end('SIGTERM')))
    for (const [i, code] of ended.entries())
      if (code !== 0) violations.push(notLive(`${nodes.ids[i]} ended with ${code}`))
    for (const death of nemesis.deaths) violations.push(notLive(death))
    return this.judge(violations, owners)
  }

  /** Until the ring is whole and all owners agree. @returns the owners of each key; none where it does not come so far. */
  private async settle(violations: Violation[]): Promise<Owners> {
    const { clients, ring, settings } = this
    try {
      await ring.untilWhole(2 * MINUTE)
      await eventually('all hints to be delivered', async () => (await this.hints()) === 0, MINUTE)
      // First as clients do; reads of all owners mend what those left, and then all must agree.
      await clients.readAll(RING.r, false)
      await clients.readAll(RING.n, false)
      await eventually('the owners to agree', () => this.agreed(), MINUTE)
      if (settings.tombstoneMinAgeMs > 0)
        await eventually('tombstones to be collected', async () => (await this.tombstones()) === 0, MINUTE)
      for (const { key, node, code } of await clients.readAll(RING.n, true))
        violations.push(notLive(`no answer from ${node} for ${key}: ${code}`))
      await eventually('the owners to agree again', () => this.agreed(), MINUTE)
      return await this.owners()
    } catch (error) {
      violations.push(notLive(`${(error as Error).message}: ${(await this.complaints()).join('; ')}`))
      return new Map()
    }
  }

  private async judge(violations: Violation[], owners: Owners): Promise<TrialResult> {
    const { history, nemesis, settings } = this
    const observations = new Observations()
    const batches = this.recording.tell(observations)
    const finals: FinalCopy[] = []
    for (const id of this.nodes.ids) {
      const content = await contentOf(path.join(this.nodes.dataOf(id), 'db'))
      const fault = await digestFault(content)
      if (fault !== undefined)
        violations.push({ checker: 'digests', key: '', message: `on the disk of ${id}: ${fault}` })
      for (const [key, those] of owners) {
        const bytes = content.get(dataAddress(keyFromText(key)))
        finals.push({ key, node: id, owner: those.has(id), bytes, record: recordOf(key, bytes) })
      }
    }
    const { conflicts } = settings
    const evidence = {
      history,
      observations,
      finals,
      losses: nemesis.losses,
      gauges: [],
      conflicts,
      n: RING.n,
      hints: true,
    }
    violations.push(...CHECKERS.flatMap((check) => check(evidence)))
    return { violations, evidence, marks: this.marks(evidence, batches) }
  }

  private marks(evidence: Evidence, batches: number): Map<string, number> {
    const { history } = evidence
    const marks = new Map<string, number>()
    const count = (mark: string, times = 1) => marks.set(mark, (marks.get(mark) ?? 0) + times)
    for (const [kind, times] of this.nemesis.struck) count(`fault ${kind}`, times)
    for (const [fate, times] of fates(evidence)) count(`values ${fate}`, times)
    count('batches recorded', batches)
    for (const { attempts } of history.writes)
      for (const { outcome, code, sloppy } of attempts)
        count(`write ${outcome}${code && ` ${code}`}${sloppy ? ' sloppy' : ''}`)
    for (const { outcome, code, values } of history.reads) {
      count(`read ${outcome}${code && ` ${code}`}`)
      if (values.length > 1) count('read siblings')
    }
    return marks
  }

  private ask<T>(id: string, path: string): Promise<T> {
    return fetch(`${this.ring.endpoint(id)}${path}`).then((answer) => answer.json() as Promise<T>)
  }

  private async hints(): Promise<number> {
    const held = await Promise.all(this.nodes.ids.map((id) => this.ask<HintsStatus>(id, '/hints')))
    return held.flatMap(({ hints }) => hints).reduce((sum, { count }) => sum + count, 0)
  }

  private async tombstones(): Promise<number> {
    const held = await Promise.all(this.nodes.ids.map((id) => this.ask<TombstonesStatus>(id, '/tombstones')))
    return held.reduce((sum, { tombstones }) => sum + tombstones, 0)
  }

  private async agreed(): Promise<boolean> {
    for (const key of this.history.keys()) {
      const report = await this.ask<KeyReport>('n1', `/keys/explain?key=${encodeURIComponent(key)}`)
      if (!report.same) return false
    }
    return true
  }

  /** What each node sees wrong. */
  private complaints(): Promise<string[]> {
    return Promise.all(
      this.nodes.ids.map(async (id) => {
        try {
          const { health, reason } = await this.ask<RingStatus>(id, '/ring')
          return `${id} ${health} ${reason}`
        } catch (error) {
          return `${id} does not answer: ${(error as Error).message}`
        }
      }),
    )
  }

  private async owners(): Promise<Owners> {
    const owners = new Map<string, ReadonlySet<string>>()
    for (const key of this.history.keys()) {
      const { preferenceList } = await this.ask<LocateResult>(
        'n1',
        `/ring/locate?key=${encodeURIComponent(key)}`,
      )
      const own = preferenceList.filter(({ role }) => role === 'owner').map(({ id }) => id)
      owners.set(key, new Set(own))
    }
    return owners
  }
}

/** All that lies in the database, while no process has it open. */
async function contentOf(directory: string): Promise<OrderedBytes> {
  const options = { keyEncoding: 'buffer', valueEncoding: 'buffer', createIfMissing: false } as const
  const db = new ClassicLevel<Buffer, Buffer>(directory, options)
  try {
    const content = new OrderedBytes()
    for await (const [key, value] of db.iterator()) content.apply([{ type: 'put', key, value }])
    return content
  } finally {
    await db.close()
  }
}

function recordOf(key: string, bytes: Buffer | undefined): KeyRecord | undefined {
  try {
    return bytes === undefined ? undefined : decodeRecord(keyFromText(key), bytes)
  } catch (error) {
    if (error instanceof CorruptRecord) return undefined
    throw error
  }
}

function notLive(message: string): Violation {
  return { checker: 'liveness', key: '', message }
}
