import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { KvUser } from './kv-user.ts'
import { Shell } from './shell.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const MINUTE = 60_000

/** What cannot be run here as it stands, and what is run, or was, in its place. */
const INSTEAD = new Map<string, { readonly line?: string; readonly until?: string }>([
  // The ring that all other lines are run on is started by it.
  ['npm start', {}],
  // It runs this.
  ['npm test', {}],
  // It has a ring of its own, and tests.
  ['kv demo', {}],
  // The secret of the test is in the environment already.
  ['export KV_CLUSTER_SECRET=...', {}],
  // Whoever reads it waits for the node to be down, and the ring to have settled.
  ['kv node remove n5', { line: 'until kv node remove n5; do sleep 0.2; done' }],
  [
    'kv node start --host 0.0.0.0 --bootstrap-expect 5',
    { line: 'kv node start --host 127.0.0.1 --bootstrap-expect 5', until: '"listening"' },
  ],
])

/** The lines of the README's shell blocks, without their comments. */
function readmeLines(): string[] {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8')
  return [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .flatMap(([, block = '']) => block.split('\n'))
    .map((line) => line.replace(/(^|\s+)# .*$/, '').trim())
    .filter((line) => line !== '')
}

describe('the README', function () {
  this.timeout(2 * MINUTE)

  const user = new KvUser()
  const free = { KV_HTTP_PORT: '0', KV_PEER_PORT: '0', KV_DISCOVERY_PORT: '0' }
  const shell = new Shell(user, { ...free, KV_CLUSTER_SECRET: 'a secret of this test' })
  let start: ChildProcess
  let started = ''

  before(async () => {
    symlinkSync(path.join(ROOT, 'cli'), user.file('cli'))
    writeFileSync(user.file('places.csv'), 'country,name\nSE,Malmö\nPT,Porto\n')
    // A group of its own, which is interrupted as a terminal does it.
    start = spawn('npm', ['start'], {
      cwd: ROOT,
      detached: true,
      env: { PATH: process.env.PATH, HOME: user.directory, KV_HOME: user.home, CI: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const collect = (chunk: Buffer): void => {
      started += chunk
    }
    start.stdout?.on('data', collect)
    start.stderr?.on('data', collect)
    while (!started.includes('Ctrl-C stops the ring')) {
      if (start.exitCode !== null) throw new Error(`npm start ended:\n${started}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })

  after(async () => {
    if (start.exitCode === null) process.kill(-(start.pid as number), 'SIGKILL')
    await user.dispose()
  })

  for (const line of readmeLines()) {
    const { line: command, until } = INSTEAD.get(line) ?? { line }
    if (command === undefined) continue
    it(line, async () => {
      const first = user.endpoints().get('n1') as string
      const { code, out, err } = await shell.run(command.replaceAll('http://127.0.0.1:7071', first), until)
      expect(code, `${out}\n${err}`).to.equal(0)
    })
  }

  it('shows commands, and those of npm are there', () => {
    expect(readmeLines().length).to.be.greaterThan(15)
    const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
    expect(scripts).to.include.keys('start', 'test')
    const unknown = [...INSTEAD.keys()].filter((line) => !readmeLines().includes(line))
    expect(unknown, 'not in the README any more').to.deep.equal([])
  })

  it('npm start shows what to try next, and Ctrl-C ends it in good order', async () => {
    expect(started).to.include('ring status')
    process.kill(-(start.pid as number), 'SIGINT')
    const [code] = await once(start, 'exit')
    expect(code, started).to.equal(0)
    expect(started).to.include('has stopped')
    for (const node of user.ring().nodes) expect(node.process).to.equal(undefined)
  })
})
