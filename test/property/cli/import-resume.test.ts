import { expect } from 'chai'
import fc from 'fast-check'
import { BadRecords } from '../../../cli/import/bad-records.ts'
import type { CheckpointContent, Progress } from '../../../cli/import/checkpoint.ts'
import { CheckpointKeeper } from '../../../cli/import/checkpoint-keeper.ts'
import { Delivery } from '../../../cli/import/delivery.ts'
import { Import, type Tally } from '../../../cli/import/import.ts'
import { IntervalSet } from '../../../cli/import/intervals.ts'
import { Lanes } from '../../../cli/import/lanes.ts'
import { makeMapping } from '../../../cli/import/mapping.ts'
import { NdjsonParser } from '../../../cli/import/ndjson.ts'
import type { BatchOperation } from '../../../shared/api.ts'
import type { BatchOutcome } from '../../../shared/client/batch.ts'
import { LinkError } from '../../../shared/client/exchange.ts'
import { KvError } from '../../../shared/errors.ts'

/** What one batch meets on its way: an answer cut off after some lines, applied beyond them or not. */
type Weather = 'fine' | 'refused' | 'lost before' | 'lost after' | 'cut' | 'overloaded' | 'no answer'

/** A ring as an import sees it: applies a request id at most once. */
class Ring {
  readonly values = new Map<string, string>()
  private readonly requests = new Set<string>()

  apply({ key, value, requestId }: BatchOperation): void {
    if (this.requests.has(requestId as string)) return
    this.requests.add(requestId as string)
    this.values.set(key, value as string)
  }
}

interface Run {
  readonly weather: readonly Weather[]
  /** The process is killed at this batch; Infinity lets it end by itself. */
  readonly killedAt: number
  /** Ctrl-C at this batch. */
  readonly interruptedAt: number
  /** The checkpoint is saved at every so many batches. */
  readonly saveEvery: number
  readonly impatient: boolean
  /** Numbers that the checkpoint reserves at a time. */
  readonly reservedAhead: number
}

const MARK = { source: { size: 1, head: 'h' }, options: {} }

describe('an import that is killed, interrupted and resumed', () => {
  it('leaves no gap, counts every record once, and lets the last record of a key win', async () => {
    const keys = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 60 })
    const weather = fc.constantFrom<Weather>(
      'fine',
      'fine',
      'refused',
      'lost before',
      'lost after',
      'cut',
      'overloaded',
      'no answer',
    )
    const run: fc.Arbitrary<Run> = fc.record({
      weather: fc.array(weather, { maxLength: 20 }),
      killedAt: fc.oneof(fc.integer({ min: 1, max: 15 }), fc.constant(Number.POSITIVE_INFINITY)),
      interruptedAt: fc.oneof(fc.integer({ min: 1, max: 15 }), fc.constant(Number.POSITIVE_INFINITY)),
      saveEvery: fc.integer({ min: 1, max: 4 }),
      impatient: fc.boolean(),
      reservedAhead: fc.integer({ min: 0, max: 30 }),
    })
    await fc.assert(
      fc.asyncProperty(
        keys,
        fc.array(run, { maxLength: 5 }),
        fc.integer({ min: 1, max: 20 }),
        async (records, runs, concurrency) => {
          const ring = new Ring()
          let saved: CheckpointContent | undefined
          const save = (content: CheckpointContent): void => {
            saved = JSON.parse(JSON.stringify(content)) as CheckpointContent
          }
          const last: Run = {
            weather: [],
            killedAt: Number.POSITIVE_INFINITY,
            interruptedAt: Number.POSITIVE_INFINITY,
            saveEvery: 1,
            impatient: false,
            reservedAhead: 5,
          }
          let tally: Tally | undefined
          for (const one of [...runs, last])
            tally = await importOnce(records, concurrency, one, ring, progressOf(saved), save)
          const winners = new Map(records.map((key, index) => [`k${key}`, `{"k":${key},"n":${index + 1}}`]))
          expect(ring.values).to.deep.equal(winners)
          expect(tally).to.include({ read: records.length, rejected: 0, unknown: 0 })
          expect((tally as Tally).written + (tally as Tally).skipped).to.equal(records.length)
          expect(saved?.acknowledged).to.deep.equal([[1, records.length]])
          expect(saved?.complete).to.equal(true)
        },
      ),
      { numRuns: 1500 },
    )
  }).timeout(60_000)
})

function progressOf(saved: CheckpointContent | undefined): Progress {
  if (!saved) return { importId: 'i', resumed: 0, acknowledged: new IntervalSet(), reserved: 0 }
  const { importId, resumed, acknowledged, reserved } = saved
  return { importId, resumed: resumed + 1, acknowledged: new IntervalSet(acknowledged), reserved }
}

/** @returns the tally, or undefined where the process was killed. */
async function importOnce(
  records: readonly number[],
  concurrency: number,
  run: Run,
  ring: Ring,
  progress: Progress,
  save: (content: CheckpointContent) => void,
): Promise<Tally | undefined> {
  let batches = 0
  let dead = false
  let killed: () => void = () => undefined
  const death = new Promise<undefined>((resolve) => {
    killed = () => {
      dead = true
      resolve(undefined)
    }
  })
  let tick: () => void = () => undefined
  async function* send(_: string, operations: readonly BatchOperation[]): AsyncIterable<BatchOutcome[]> {
    const weather = run.weather[batches++] ?? 'fine'
    if (batches >= run.killedAt) killed()
    if (dead) await new Promise(() => undefined)
    if (batches === run.interruptedAt) work.interrupt()
    if (batches % run.saveEvery === 0) tick()
    await Promise.resolve()
    if (weather === 'refused') throw new LinkError('refused', false, false)
    if (weather === 'lost before') throw new LinkError('lost', true, false)
    if (weather === 'cut') {
      const reached = operations.slice(0, operations.length >> 1)
      for (const operation of reached) ring.apply(operation)
      yield reached.slice(0, reached.length >> 1).map(() => ({ result: undefined }))
      throw new LinkError('cut', true, false)
    }
    for (const operation of operations) {
      if (weather === 'overloaded') yield [{ error: new KvError('overloaded', 'busy') }]
      else if (weather === 'no answer') yield [{ error: new KvError('outcome_unknown', 'no answer') }]
      else {
        ring.apply(operation)
        if (weather === 'lost after') throw new LinkError('lost', true, false)
        yield [{ result: undefined }]
      }
    }
  }
  let nowMs = 0
  const monotonicMs = (): number => nowMs
  const sleep = async (ms: number): Promise<void> => {
    nowMs += ms
  }
  const lanes = new Lanes(['http://a', 'http://b'], undefined, monotonicMs)
  const keeper = new CheckpointKeeper(
    {
      save: async (content) => {
        if (!dead) save(content)
      },
      every: (ticked) => {
        tick = ticked
        return () => undefined
      },
    },
    progress,
    MARK,
    run.reservedAhead,
  )
  const work = new Import(
    {
      chunks: chunksOf(records),
      parser: new NdjsonParser(),
      mapping: makeMapping({ key: 'k{k}' }),
      lanes,
      delivery: new Delivery(
        { lanes, send, alive: async () => true, monotonicMs, sleep },
        { patienceMs: run.impatient ? 30 : 1_000_000 },
      ),
      keeper,
      bad: new BadRecords(undefined),
      sleep,
    },
    { concurrency, dryRun: false },
  )
  const ended = await Promise.race([work.run(), death])
  if (ended === undefined) return undefined
  const { read, written, skipped, rejected, unknown } = work.tally
  expect(read).to.equal(written + skipped + rejected + unknown)
  return work.tally
}

async function* chunksOf(records: readonly number[]): AsyncIterable<Buffer> {
  for (const [index, key] of records.entries()) yield Buffer.from(`{"k":${key},"n":${index + 1}}\n`)
}
