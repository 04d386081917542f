import { expect } from 'chai'
import type { RingStatus } from '../../shared/api.ts'
import { eventually } from '../eventually.ts'
import { KvUser } from './kv-user.ts'
import { judge, judgeAll, p99, type Write, Writers } from './writers.ts'

const MINUTE = 60_000
const WRITERS = 15
/** For the failure detector to settle. */
const SETTLE_MS = 3_000
const FAULT_MS = 4_000

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Real processes that are killed, paused and cut off while clients write; afterwards the histories are judged. */
describe('a ring under chaos', function () {
  this.timeout(3 * MINUTE)

  const user = new KvUser()
  let endpoints: Map<string, string>
  let writers: Writers
  const periods: { name: string; fromMs: number; toMs: number }[] = []

  before(async () => {
    await user.json(['up'])
    endpoints = user.endpoints()
    writers = new Writers([...endpoints.values()], WRITERS)
  })

  after(async () => {
    await writers.stop()
    await user.dispose()
  })

  /** Lets the fault take effect, and remembers the time in which requests should be quick again. */
  async function endure(name: string): Promise<void> {
    await sleep(SETTLE_MS)
    const fromMs = performance.now()
    await sleep(FAULT_MS)
    periods.push({ name, fromMs, toMs: performance.now() })
  }

  async function awaitOk(): Promise<void> {
    for (const endpoint of endpoints.values()) {
      await eventually(
        `the ring to be ok as ${endpoint} sees it`,
        async () => (await user.json<RingStatus>(['ring', 'status', '--endpoint', endpoint])).health === 'ok',
        MINUTE,
      )
    }
  }

  const failures = (writes: readonly Write[]): string[] =>
    writes.filter(({ fate }) => fate !== 'acknowledged').map(({ error }) => error)

  it('takes writes in quiet times', async () => {
    await endure('in quiet times')
    expect(failures(writers.writes())).to.deep.equal([])
  })

  it('goes on while a node is killed, and takes it back', async () => {
    await user.json(['chaos', 'kill', 'n2'])
    await endure('with a node killed')
    await user.json(['chaos', 'restart', 'n2'])
    await awaitOk()
  })

  it('goes on while two nodes hang', async () => {
    await user.json(['chaos', 'pause', 'n3', 'n4', '--for', '1m'])
    await endure('with two nodes paused')
    await user.json(['chaos', 'heal'])
    await awaitOk()
  })

  it('goes on while the network is split', async () => {
    await user.json(['chaos', 'partition', 'n1,n2', '--for', '1m'])
    await endure('with two nodes cut off')
    await user.json(['chaos', 'heal'])
    await awaitOk()
  })

  it('goes on while a link is bad', async () => {
    await user.json(['chaos', 'link', 'n1', 'n5', '--latency', '50ms', '--loss', '20%', '--duplicate', '10%'])
    await endure('with a bad link')
    await user.json(['chaos', 'heal'])
    await awaitOk()
  })

  it('has lost nothing that was acknowledged, on no node, and nothing of what had failed is there', async () => {
    await writers.stop()
    await awaitOk()
    expect(await judgeAll(endpoints, writers)).to.deep.equal([])
    expect(writers.writes().filter(({ fate }) => fate === 'acknowledged').length).to.be.greaterThan(1_000)
    report()
  })

  /** Printed, not judged: how long it takes depends on what else the machine does. */
  function report(): void {
    const all = writers.writes()
    for (const { name, fromMs, toMs } of periods) {
      const writes = all.filter(({ startedMs }) => startedMs >= fromMs && startedMs < toMs)
      const slowest = p99(writes.map(({ tookMs }) => tookMs))?.toFixed(0)
      const failed = failures(writes)
      console.log(
        `      ${name}: ${writes.length} writes, p99 ${slowest} ms, ${failed.length} not acknowledged`,
      )
      for (const error of new Set(failed)) console.log(`        ${error}`)
    }
  }
})

describe('the judge of histories', () => {
  const write = (value: number, fate: Write['fate']): Write => ({
    value,
    fate,
    error: '',
    version: '',
    moment: 0,
    startedMs: 0,
    tookMs: 0,
  })
  const history = [
    write(1, 'acknowledged'),
    write(2, 'failed'),
    write(3, 'acknowledged'),
    write(4, 'unknown'),
  ]

  it('accepts the last acknowledged value, and a later one of unknown fate', () => {
    expect(judge(history, 3)).to.equal(undefined)
    expect(judge(history, 4)).to.equal(undefined)
    expect(judge([write(1, 'unknown')], undefined)).to.equal(undefined)
  })

  it('rejects a lost value, an older one, one that had failed and one that nobody wrote', () => {
    for (const found of [undefined, 1, 2, 5]) expect(judge(history, found)).to.be.a('string')
  })
})
