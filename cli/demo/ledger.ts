import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadResult } from '../../shared/api.ts'
import type { KvClient } from '../../shared/client/client.ts'
import { keyFromText } from '../../shared/key.ts'
import { Delivery } from '../import/delivery.ts'
import { Lanes } from '../import/lanes.ts'
import type { Job } from '../import/queue.ts'
import type { Order } from './orders.ts'

const BATCH = 100
const AT_ONCE = 4
const PATIENCE_MS = 30_000

const monotonicMs = (): number => performance.now()

/** Writes records, and keeps account of those that were acknowledged. */
export class Ledger {
  /** Acknowledged values by key. */
  readonly acknowledged = new Map<string, string>()
  private readonly client: KvClient

  constructor(client: KvClient) {
    this.client = client
  }

  /**
   * Writes records through these endpoints, another one where one does not answer.
   * @returns how many were not acknowledged. `progress` is called now and then with how many were.
   */
  async write(
    orders: readonly Order[],
    endpoints: readonly string[],
    progress: (acknowledged: number) => void = () => undefined,
  ): Promise<number> {
    const lanes = new Lanes(endpoints, undefined, monotonicMs)
    const send = (endpoint: string, operations: Parameters<KvClient['batch']>[1]) =>
      this.client.batch(endpoint, operations, { brief: true })
    const alive = (endpoint: string) => this.client.alive(endpoint)
    const delivery = new Delivery({ lanes, send, alive, monotonicMs, sleep }, { patienceMs: PATIENCE_MS })
    const jobs = orders.map(toJob)
    let acknowledged = 0
    let lane = 0
    const work = async (): Promise<void> => {
      for (let batch = jobs.splice(0, BATCH); batch.length > 0; batch = jobs.splice(0, BATCH)) {
        lane = lanes.another(lane)
        await delivery.deliver(batch, lane, (job, outcome) => {
          if (outcome.kind !== 'written') return
          this.acknowledged.set(job.text, job.entry.value)
          acknowledged++
        })
        progress(acknowledged)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return orders.length - acknowledged
  }

  /** Reads every acknowledged record through one endpoint. @returns the keys that are missing or have another value. */
  async missing(endpoint: string): Promise<string[]> {
    const entries = [...this.acknowledged]
    const wrong: string[] = []
    for (let at = 0; at < entries.length; at += BATCH * AT_ONCE) {
      const part = entries.slice(at, at + BATCH * AT_ONCE)
      const gets = part.map(([key]) => ({ op: 'get' as const, key }))
      let i = 0
      for await (const outcomes of this.client.batch(endpoint, gets)) {
        for (const { result } of outcomes) {
          const [key, value] = part[i++] as [string, string]
          if ((result as ReadResult | undefined)?.value !== value) wrong.push(key)
        }
      }
    }
    return wrong
  }
}

function toJob({ key, value }: Order, i: number): Job {
  return {
    number: i + 1,
    line: i + 1,
    text: key,
    entry: { key: keyFromText(key), value, encoding: 'utf8' },
    requestId: randomBytes(12).toString('base64url'),
    again: false,
    attempt: 0,
    unknown: false,
  }
}
