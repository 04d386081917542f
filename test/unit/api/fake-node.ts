import { API_TIMEOUTS, type ApiSettings } from '../../../server/api/context.ts'
import { HttpApi } from '../../../server/api/http-api.ts'
import type { ServedNode, ServedRepair } from '../../../server/api/served-node.ts'
import type {
  Coordinator,
  GetOptions,
  GetOutcome,
  LiveValue,
  PutOptions,
  PutOutcome,
  ScanOptions,
  ScanPage,
} from '../../../server/coordinator/outcome.ts'
import type { FaultRule, RepairStatus, ScrubStatus } from '../../../shared/api.ts'
import { KvError } from '../../../shared/errors.ts'
import type { Key } from '../../../shared/key.ts'
import type { KeyRepairResult, KeyReport } from '../../../shared/key-report.ts'

/** One map in memory that counts its writes: no ring, no causality. */
export class FakeCoordinator implements Coordinator {
  readonly values = new Map<string, LiveValue[]>()
  readonly puts: { key: Key; value: Buffer | null; options: PutOptions }[] = []
  /** Awaited before each operation. */
  before: (key: string) => Promise<void> | undefined = () => undefined
  private writes = 0

  async put(key: Key, value: Buffer | null, options: PutOptions): Promise<PutOutcome> {
    await this.before(key)
    if ((options.w ?? 2) > 3) throw new KvError('usage', `w=${options.w} is out of range`, 'w is at most n=3')
    this.puts.push({ key, value, options })
    const existed = this.values.has(key)
    const version = `fake.${++this.writes}`
    if (value === null) this.values.delete(key)
    else this.values.set(key, [{ value: Buffer.from(value), version, stampMs: this.writes, expiresAtMs: 0 }])
    return { version, acks: 2, w: options.w ?? 2, sloppy: false, coordinator: 'n2', existed }
  }

  async get(key: Key, options: GetOptions): Promise<GetOutcome> {
    await this.before(key)
    if ((options.r ?? 2) > 3) throw new KvError('usage', `r=${options.r} is out of range`, 'r is at most n=3')
    const values = this.values.get(key) ?? []
    return {
      values,
      context: { vector: new Map([['n1', this.writes]]), seen: [] },
      replies: 2,
      r: options.r ?? 2,
      wallMs: 1_000,
      sloppy: false,
    }
  }

  async scan({ prefix, cursor = '', limit, values }: ScanOptions): Promise<ScanPage> {
    await this.before(prefix)
    const keys = [...this.values.keys()].filter((key) => key.startsWith(prefix) && key > cursor)
    keys.sort((a, b) => (a < b ? -1 : 1))
    const page = keys.slice(0, limit)
    const entries = page.map((key) => {
      const [{ value }] = this.values.get(key) as [LiveValue]
      return values ? { key: key as Key, value } : { key: key as Key }
    })
    return page.length < keys.length ? { entries, cursor: page.at(-1) as string } : { entries }
  }
}

/** Remembers what it was told to do. */
export class FakeRepair implements ServedRepair {
  readonly orders: string[] = []

  compareNow = (slot?: number) => void this.orders.push(slot === undefined ? 'compare' : `compare ${slot}`)
  pause = () => void this.orders.push('pause')
  resume = () => void this.orders.push('resume')
  scrubNow = () => void this.orders.push('scrub')

  repairStatus = (): RepairStatus => ({
    node: 'n1',
    state: this.orders.includes('pause') ? 'paused' : 'idle',
    rounds: 1,
    lastRoundMs: 20,
    divergentSlots: 0,
    peers: [],
  })

  scrubStatus = (): ScrubStatus => ({
    node: 'n1',
    state: this.orders.includes('scrub') ? 'running' : 'idle',
    slots: 16384,
    slotsChecked: 0,
    startedAtMs: 0,
    finishedAtMs: 0,
    passes: 0,
    recordsChecked: 0,
    recordsDamaged: 0,
    slotsUnreadable: 0,
    slotsRebuilt: 0,
  })
}

/** Knows the key alone, and what was asked of it. */
export class FakeInspector {
  readonly asked: { key: Key; timeoutMs: number | undefined }[] = []

  async explain(key: Key, timeoutMs?: number): Promise<KeyReport> {
    this.asked.push({ key, timeoutMs })
    const nodes: KeyReport['nodes'] = []
    return { key, slot: 1, n: 3, conflicts: 'lww', same: true, merged: null, nodes, reads: [] }
  }

  async repair(key: Key, timeoutMs?: number): Promise<KeyRepairResult> {
    this.asked.push({ key, timeoutMs })
    const lists = { versions: [], sound: [], failed: [], unseen: [] }
    return { key, slot: 1, ...lists, mended: ['n2'], complete: true }
  }
}

export class FakeNode implements ServedNode {
  readonly coordinator = new FakeCoordinator()
  readonly keys = new FakeInspector()
  ready = { ready: true, reason: '' }
  well = true
  formed = true
  rules: FaultRule[] = []

  readiness = () => this.ready
  healthy = () => this.well
  hints = () => ({
    hints: [{ holder: 'n1', target: 'n2', count: 1, bytes: 10, oldestMs: 5 }],
    markedSlots: 2,
  })
  tombstones = () => ({
    node: 'n1',
    tombstones: 2,
    expiring: 1,
    collected: 7,
    slotsSettled: 3,
    slotsHeldUp: 0,
    waitingFor: 'n4 is out of reach',
  })
  readonly policies: string[] = []
  changePolicy = async (conflicts: 'lww' | 'siblings') => {
    this.policies.push(conflicts)
    return { conflicts, layoutVersion: 2, changed: true, waitingFor: [] }
  }
  readonly removals: { id: string; force: boolean }[] = []
  removeNode = async (id: string, force: boolean) => {
    this.removals.push({ id, force })
    return { removed: id, layoutVersion: 2, changed: true, waitingFor: [] }
  }
  replayHints = (target = 'n2') => ({ hints: [{ holder: 'n1', target, count: 1, sending: true }] })
  stats = () =>
    new Map([
      ['keys', this.coordinator.values.size],
      ['commits_total', 7],
    ])
  faults = () => this.rules
  readonly repair = new FakeRepair()

  status() {
    const node = { id: 'n1', state: 'up', http: 'http://127.0.0.1:1', zone: 'default', ownership: 1 } as const
    const nodes = [
      { ...node, keys: 0, bytes: 0, hintsHeld: 0, divergentSlots: 0, unfilledSlots: 0, incarnation: 'x' },
    ]
    const quorums = { n: 3, r: 2, w: 2, conflicts: 'lww' as const }
    const slots = { slots: 16384, slotsBelowN: 0, slotsWithoutQuorum: 0 }
    return { cluster: 'c', layoutVersion: 1, ...quorums, health: 'ok' as const, reason: '', ...slots, nodes }
  }

  locate(key: Key) {
    return { key, slot: 1, preferenceList: [{ id: 'n1', role: 'owner' as const, state: 'up' as const }] }
  }

  placement() {
    if (!this.formed) return undefined
    const members = ['n1', 'n2', 'n3', 'n4'].map((id) => ({ id, zone: 'default', weight: 1 }))
    const layout = {
      version: 2,
      cluster: 'c',
      ringId: 'x',
      n: 3,
      r: 2,
      w: 2,
      conflicts: 'lww' as const,
      members,
      former: [{ id: 'n0', zone: 'default', weight: 1, removedIn: 2 }],
    }
    return { layout, slots: { owners: (slot: number) => [0, 1, 2].map((i) => `n${((slot + i) % 4) + 1}`) } }
  }

  addFault(rule: FaultRule): void {
    if (rule.kind !== 'link' && rule.kind !== 'partition') throw new KvError('usage', 'unknown kind of fault')
    this.rules.push(rule)
  }

  healFault(id?: string): number {
    const before = this.rules.length
    this.rules = id === undefined ? [] : this.rules.filter((rule) => rule.id !== id)
    return before - this.rules.length
  }
}

export const SECRET = Buffer.from('a secret of the test')

export function fakeApi(
  node: FakeNode,
  settings: Partial<ApiSettings> = {},
  served: () => ServedNode = () => node,
): HttpApi {
  const trace = { enabled: () => false, event: () => undefined }
  const clock = {
    wallMs: () => 0,
    monotonicMs: () => performance.now(),
    after: () => ({ cancel: () => undefined }),
  }
  return new HttpApi(
    { node: served, trace, clock },
    {
      id: 'n1',
      cluster: 'c',
      secret: SECRET,
      version: '1.2.3',
      hostNames: undefined,
      maxValueBytes: 1024 * 1024,
      maxConnections: 1000,
      maxHeaderBytes: 32_768,
      chaos: true,
      timeouts: API_TIMEOUTS,
      ...settings,
    },
  )
}
