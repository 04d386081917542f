import { execFileSync } from 'node:child_process'
import {
  closeSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import type { RingStatus } from '../../shared/api.ts'
import type { KeyReport } from '../../shared/key-report.ts'
import { eventually } from '../eventually.ts'
import { copyDirectory, hideCopying } from './disk-images.ts'
import { KvUser } from './kv-user.ts'
import { ProcessRing } from './process-ring.ts'

const MINUTE = 60_000
const RECORDS = 4_000
const VICTIM = 'n2'
const flags = ['--repair-every-ms', '500']

/** Files of LevelDB damaged under one of three nodes, while the others serve. */
describe('a database that is damaged', function () {
  this.timeout(3 * MINUTE)

  const user = new KvUser()
  const ring = new ProcessRing({ user }, { ids: ['n1', VICTIM, 'n3'], flags })
  const data = user.file(VICTIM)
  const image = user.file('image')

  const value = (i: number): string => `${i} ${'.'.repeat(500 + (i % 97))} ${i * 7919}`
  const kv = <T>(...argv: string[]) => user.json<T>([...argv, '--endpoint', ring.endpoint('n1')])
  const file = (name: string, pattern: RegExp) => {
    const names = readdirSync(path.join(data, 'db')).filter((one) => pattern.test(one))
    const sizes = names.map((one) => statSync(path.join(data, 'db', one)).size)
    const largest = names[sizes.indexOf(Math.max(...sizes))]
    if (largest === undefined) throw new Error(`there is no ${name}`)
    return path.join(data, 'db', largest)
  }
  const table = () => file('table', /\.ldb$/)
  const log = () => file('log', /\.log$/)
  const manifest = () => file('manifest', /^MANIFEST-/)

  /** In place: a node that runs has its tables mapped into memory. */
  function flip(target: string, from: number, count: number): void {
    const file = openSync(target, 'r+')
    const bytes = Buffer.alloc(count)
    readSync(file, bytes, 0, count, from)
    writeSync(
      file,
      bytes.map((byte) => byte ^ 0xff),
      0,
      count,
      from,
    )
    closeSync(file)
  }

  before(async () => {
    await ring.start()
    const records = Array.from({ length: RECORDS }, (_, i) =>
      JSON.stringify({ key: `key-${i}`, value: value(i) }),
    )
    writeFileSync(user.file('records.ndjson'), records.join('\n'))
    expect(await kv('import', user.file('records.ndjson'))).to.include({ written: RECORDS })
    await ring.untilWhole()
    // A stop and a start move what was written from the log into a table; the last writes stay in the log.
    await ring.node(VICTIM).end('SIGTERM')
    await ring.startNode(VICTIM)
    await ring.untilWhole()
    for (let i = 0; i < 20; i++)
      await fetch(`${ring.endpoint(VICTIM)}/kv/last-${i}?w=3`, { method: 'PUT', body: value(i) })
    await ring.node(VICTIM).end('SIGKILL')
    copyDirectory(data, image)
  })

  after(async () => {
    await ring.dispose()
    await user.dispose()
  })

  async function putBack(): Promise<void> {
    rmSync(data, { recursive: true, force: true })
    execFileSync('cp', ['-a', image, data])
    await hideCopying(data)
  }

  const fatal: readonly (readonly [string, () => void])[] = [
    ['a table is cut short', () => truncateSync(table(), Math.floor(statSync(table()).size / 2))],
    ['a table has a flipped byte', () => flip(table(), Math.floor(statSync(table()).size / 3), 1)],
    ['a table is missing', () => unlinkSync(table())],
    ['the log has flipped bytes before its end', () => flip(log(), 20, 4)],
    ['the MANIFEST has flipped bytes', () => flip(manifest(), 20, 4)],
    ['the MANIFEST is empty', () => truncateSync(manifest(), 0)],
    ['CURRENT is missing', () => unlinkSync(path.join(data, 'db', 'CURRENT'))],
    ['the marker has flipped bytes', () => flip(path.join(data, 'kvring.json'), 30, 2)],
  ]

  for (const [what, damage] of fatal) {
    it(`keeps the node from starting where ${what}, and says what to do`, async () => {
      await putBack()
      damage()
      const node = ring.spawn(VICTIM)
      const { error } = await node.firstLine()
      expect(await node.ended(), node.stderr).to.equal(5)
      expect(error).to.include({ code: 'storage_failed' })
      expect(error?.message).to.match(/ is damaged/)
      expect(error?.hint).to.equal(
        `stop the node, move ${data} away and start the node again: the ring gives it its data back`,
      )
    })
  }

  it('is given its data back by the ring where it does as it is told', async () => {
    await putBack()
    truncateSync(manifest(), 0)
    rmSync(data, { recursive: true })
    await ring.startNode(VICTIM)
    await expectWhole()
  })

  it('gives nothing away that is damaged where tables have flipped bytes under a node that runs', async () => {
    await ring.node(VICTIM).end('SIGKILL')
    await putBack()
    await ring.startNode(VICTIM)
    const { size } = statSync(table())
    // Records: what the node itself must remember stands at the end.
    for (let part = 0.1; part < 0.6; part += 0.02) flip(table(), Math.floor(size * part), 3)
    await user.kv(['scrub', 'start', '--node', VICTIM, '--endpoint', ring.endpoint('n1')])
    const { child } = ring.node(VICTIM)
    // LevelDB does not notice all damage when it reads, and may end the process over what it does notice.
    const running = () => child.exitCode === null && child.signalCode === null
    const wrong = new Set<string>()
    const began = performance.now()
    for (let i = 0; running() && performance.now() - began < 10_000; i = (i + 1) % RECORDS) {
      const answer = await fetch(`${ring.endpoint(VICTIM)}/kv/key-${i}?r=1`).catch(() => undefined)
      if (answer?.ok === true && (await answer.text().catch(() => value(i))) !== value(i))
        wrong.add(`key-${i}`)
    }
    expect([...wrong]).to.deep.equal([])
    const hint = 'the ring gives it its data back'
    if (running()) await ring.node(VICTIM).end('SIGKILL')
    else if (child.exitCode !== null) {
      expect(child.exitCode).to.be.oneOf([1, 5])
      expect(ring.node(VICTIM).stderr)
        .to.match(/the database in .* is damaged/)
        .and.contain(hint)
    }
    const again = ring.spawn(VICTIM)
    const { error } = await again.firstLine()
    expect(await again.ended()).to.equal(5)
    expect(error?.message).to.match(/ is damaged: /)
    expect(error?.hint).to.contain(hint)
    rmSync(data, { recursive: true })
    await ring.startNode(VICTIM)
    await expectWhole()
  })

  it('loses nothing but unfinished writes where its log is cut short, and gets those from its peers', async () => {
    await ring.node(VICTIM).end('SIGKILL')
    await putBack()
    truncateSync(log(), statSync(log()).size - 700)
    await ring.startNode(VICTIM)
    await expectWhole()
  })

  /** No node says anything wrong, and in the end the copies of all are the same. */
  async function expectWhole(): Promise<void> {
    const read = async (id: string, key: string): Promise<string> => {
      const answer = await fetch(`${ring.endpoint(id)}/kv/${key}`)
      return answer.ok ? answer.text() : `${answer.status}`
    }
    const ready = async () => (await fetch(`${ring.endpoint(VICTIM)}/health/ready`)).ok
    await eventually('the node to be ready', ready, MINUTE)
    const wrong: string[] = []
    for (let i = 0; i < RECORDS; i += 7) {
      const found = await read(VICTIM, `key-${i}`)
      if (found !== value(i)) wrong.push(`key-${i}: ${found.slice(0, 40)}`)
    }
    for (let i = 0; i < 20; i++) if ((await read('n1', `last-${i}`)) !== value(i)) wrong.push(`last-${i}`)
    expect(wrong).to.deep.equal([])
    const { nodes } = await kv<RingStatus>('ring', 'status')
    expect(nodes).to.have.length(3)
    await eventually(
      'all copies to be there and the same',
      async () => {
        const counts = (await kv<RingStatus>('ring', 'status')).nodes.map(({ keys }) => keys)
        if (new Set(counts).size > 1 || counts[0] !== RECORDS + 20) return false
        const reports = await Promise.all(
          [7, 777, 3_333].map((i) => kv<KeyReport>('key', 'explain', `key-${i}`)),
        )
        return reports.every(({ same }) => same)
      },
      MINUTE,
    )
    await ring.untilWhole()
  }
})
