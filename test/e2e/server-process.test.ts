import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url))
const DEADLINE_MS = 30_000

/** One node in a process of its own, alone on loopback. */
class NodeProcess {
  stderr = ''
  stdout = ''
  private readonly child: ChildProcess
  /** It has ended, and all that it said has been read. */
  private readonly closed: Promise<unknown>

  constructor(data: string, ...flags: string[]) {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KV_')))
    const argv = ['--import=tsx', MAIN, '--id', 'n1', '--data', data, '--peer-port', '0', ...flags]
    this.child = spawn(process.execPath, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.closed = new Promise((resolve) => this.child.once('close', resolve))
    this.child.stdout?.on('data', (chunk) => {
      this.stdout += chunk
    })
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk
    })
  }

  /** The base URL, once the node serves. */
  async ready(): Promise<string> {
    await this.until(() => this.stdout.includes('\n'))
    const { event, http, pid } = JSON.parse(this.stdout)
    expect([event, pid]).to.deep.equal(['listening', this.child.pid])
    await this.until(async () => (await fetch(`${http}/health/ready`)).ok)
    return http
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  async exit(): Promise<number | null> {
    await this.closed
    return this.child.exitCode
  }

  private async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS
    while (!(await condition())) {
      if (this.child.exitCode !== null || performance.now() > deadline) throw new Error(this.stderr)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

describe('the server process', function () {
  this.timeout(2 * DEADLINE_MS)
  let directory: string
  let data: string
  let started: NodeProcess[]
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'kvring-process-'))
    data = path.join(directory, 'data')
    started = []
  })
  afterEach(async () => {
    for (const node of started) node.kill('SIGKILL')
    await Promise.all(started.map((node) => node.exit()))
    rmSync(directory, { recursive: true, force: true })
  })
  const start = (...flags: string[]): NodeProcess => {
    const node = new NodeProcess(data, ...flags)
    started.push(node)
    return node
  }

  it('serves alone, stops in good order, and has its data when it starts again', async () => {
    const first = start('--http-port', '0')
    const before = await first.ready()
    expect((await fetch(`${before}/kv/greeting`, { method: 'PUT', body: 'hello' })).status).to.equal(200)
    expect(await (await fetch(`${before}/metrics`)).text()).to.contain('nodejs_eventloop_lag_p99_seconds')
    first.kill('SIGTERM')
    expect(await first.exit()).to.equal(0)
    const second = start('--http-port', '0', '--log-format', 'text')
    const after = await second.ready()
    expect(await (await fetch(`${after}/kv/greeting`)).text()).to.equal('hello')
    second.kill('SIGINT')
    expect(await second.exit()).to.equal(0)
    expect(second.stderr).to.match(/ info {2}n1 node\.stopped/)
  })

  it('refuses to start on a port that is taken, with the code and the exit of the error table', async () => {
    const other = net.createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const node = start('--http-port', String(port), '--json')
    expect(await node.exit()).to.equal(4)
    const { error } = JSON.parse(node.stdout)
    expect(error).to.include({ code: 'conflict', definite: true })
    expect(error.message).to.contain(`port ${port} of 127.0.0.1`)
    other.close()
  })

  it('refuses a second process on its data directory, and goes on', async () => {
    const first = start('--http-port', '0')
    const http = await first.ready()
    const second = start('--http-port', '0')
    expect(await second.exit()).to.equal(4)
    expect(second.stderr).to.match(/^kv: the data directory .* is in use by process \d+\n {2}\S/)
    expect((await fetch(`${http}/kv/a`, { method: 'PUT', body: '' })).status).to.equal(200)
  })

  it('refuses an unknown flag with the one that was meant', async () => {
    const node = start('--htp-port', '0')
    expect(await node.exit()).to.equal(2)
    expect(node.stderr).to.equal('kv: there is no flag --htp-port\n  did you mean --http-port?\n')
  })

  it('does not go on without its data directory', async () => {
    const node = start('--http-port', '0')
    await node.ready()
    rmSync(data, { recursive: true, force: true })
    expect(await node.exit()).to.equal(1)
    expect(node.stderr).to.contain('directory.gone')
  })
})
