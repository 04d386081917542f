import type {
  FaultRule,
  FaultStatus,
  HealthResult,
  HintsReplayed,
  HintsStatus,
  RepairStatus,
  RingStatus,
  ScrubStatus,
  TombstonesStatus,
} from '../api.ts'
import { KvError } from '../errors.ts'
import { readError, readJson } from './answers.ts'
import { type Exchange, type HttpRequest, type HttpResponse, LinkError } from './exchange.ts'

/**
 * One node, asked for what only it can tell or do: no fail-over. Every method rejects with a KvError only,
 * `unreachable` where no answer came; all of them may be repeated.
 */
export class NodeClient {
  private readonly exchange: Exchange
  private readonly endpoint: string
  private readonly timeoutMs: number

  constructor(
    components: { readonly exchange: Exchange },
    settings: { readonly endpoint: string; readonly timeoutMs: number },
  ) {
    this.exchange = components.exchange
    this.endpoint = settings.endpoint.replace(/\/+$/, '')
    this.timeoutMs = settings.timeoutMs
  }

  /** Also of a node that is not ready. */
  async health(): Promise<HealthResult> {
    const answer = await this.send({ method: 'GET', path: '/health' })
    return readJson<HealthResult>(answer.status === 503 ? { ...answer, status: 200 } : answer, false)
  }

  async status(): Promise<RingStatus> {
    return readJson<RingStatus>(await this.send({ method: 'GET', path: '/ring' }), false)
  }

  async hints(): Promise<HintsStatus> {
    return readJson<HintsStatus>(await this.send({ method: 'GET', path: '/hints' }), false)
  }

  async repair(): Promise<RepairStatus> {
    return readJson<RepairStatus>(await this.send({ method: 'GET', path: '/repair' }), false)
  }

  /** @returns how its repair is after that. */
  async orderRepair(order: 'start' | 'pause' | 'resume', slot?: number): Promise<RepairStatus> {
    const path = `/repair/${order}${slot === undefined ? '' : `?slot=${slot}`}`
    return readJson<RepairStatus>(await this.send({ method: 'POST', path }), false)
  }

  async scrub(): Promise<ScrubStatus> {
    return readJson<ScrubStatus>(await this.send({ method: 'GET', path: '/scrub' }), false)
  }

  async tombstones(): Promise<TombstonesStatus> {
    return readJson<TombstonesStatus>(await this.send({ method: 'GET', path: '/tombstones' }), false)
  }

  async startScrub(): Promise<ScrubStatus> {
    return readJson<ScrubStatus>(await this.send({ method: 'POST', path: '/scrub/start' }), false)
  }

  /** Has the node send its hints now, all or those for one owner. */
  async replayHints(target?: string): Promise<HintsReplayed> {
    const path = target === undefined ? '/hints/replay' : `/hints/replay?node=${encodeURIComponent(target)}`
    return readJson<HintsReplayed>(await this.send({ method: 'POST', path }), false)
  }

  /** @throws KvError `forbidden` where the node was started without chaos. */
  async faults(): Promise<FaultStatus> {
    return readJson<FaultStatus>(await this.send({ method: 'GET', path: '/chaos' }), false)
  }

  /** A rule with the id of another takes its place. */
  async addFault(rule: FaultRule): Promise<void> {
    const headers = { 'Content-Type': 'application/json' }
    const body = Buffer.from(JSON.stringify(rule), 'utf8')
    const answer = await this.send({ method: 'POST', path: '/chaos/faults', headers, body })
    if (answer.status >= 300) throw readError(answer, false)
  }

  /** @returns how many faults were healed: all, or the one with the id where it is in force. */
  async healFaults(id?: string): Promise<number> {
    const path = id === undefined ? '/chaos/faults' : `/chaos/faults/${encodeURIComponent(id)}`
    const answer = await this.send({ method: 'DELETE', path })
    if (answer.status < 300) return readJson<{ healed: number }>(answer, false).healed
    const error = readError(answer, false)
    if (error.code === 'not_found') return 0
    throw error
  }

  private async send(request: Omit<HttpRequest, 'timeoutMs'>): Promise<HttpResponse<Buffer>> {
    try {
      return await this.exchange.send(this.endpoint, { ...request, timeoutMs: this.timeoutMs })
    } catch (thrown) {
      if (!(thrown instanceof LinkError)) throw thrown
      throw new KvError(
        'unreachable',
        `${this.endpoint} does not answer: ${thrown.message}`,
        'see: kv node list',
      )
    }
  }
}
