import { readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { expect } from 'chai'
import type { RingStatus } from '../../../shared/api.ts'
import type { ErrorBody } from '../../../shared/errors.ts'
import { eventually } from '../../eventually.ts'
import { type Ended, KvUser } from '../kv-user.ts'

export const MINUTE = 60_000

/** Flags of a node that meets nobody. */
export const ALONE = ['--http-port', '0', '--peer-port', '0', '--discovery-port', '0']

/** What `kv up --json` prints. */
export interface Up {
  readonly cluster: string
  readonly nodes: readonly {
    readonly id: string
    readonly http: string
    readonly peer: string
    readonly pid: number
    readonly dataDir: string
  }[]
}

/** A user with a ring of five, as `kv up` starts it, for the tests of the `describe` that calls this. */
export function withRing(): { readonly user: KvUser; readonly up: () => Up } {
  const user = new KvUser()
  let up: Up
  before(async () => {
    up = await user.json<Up>(['up'])
  })
  after(() => user.dispose())
  return { user, up: () => up }
}

/** A run with --json that failed as it should. */
export function expectFailure(run: Ended, exit: number, code: string, message: RegExp): void {
  expect(run.code, `${run.out}\n${run.err}`).to.equal(exit)
  const { error } = run.json<ErrorBody>()
  expect(error).to.have.all.keys('code', 'message', 'definite', 'retryable', 'hint')
  expect(error.code).to.equal(code)
  expect(error.message).to.match(message)
}

export function untilOk(user: KvUser): Promise<void> {
  return eventually(
    'the ring to be ok',
    async () => (await user.json<RingStatus>(['ring', 'status'])).health === 'ok',
    MINUTE,
  )
}

/** As the node itself sees it. */
export function untilAlone(user: KvUser, id: string): Promise<void> {
  const endpoint = user.endpoints().get(id) as string
  return eventually(
    `${id} to be alone`,
    async () => {
      const { nodes } = await user.json<RingStatus>(['ring', 'status', '--endpoint', endpoint])
      return nodes.every((node) => node.id === id || node.state !== 'up')
    },
    MINUTE,
  )
}

/** What `kv node start` says first: where it listens. */
export async function firstLine(
  node: ReturnType<KvUser['start']>,
): Promise<{ readonly http: string; readonly pid: number }> {
  let text = ''
  for await (const chunk of node.stdout as AsyncIterable<Buffer>) {
    text += chunk
    if (text.includes('\n')) break
  }
  return JSON.parse(text)
}

export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

export function findFile(directory: string, pattern: RegExp): string {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true }).find(
    (entry) =>
      entry.isFile() &&
      pattern.test(entry.name) &&
      statSync(path.join(entry.parentPath, entry.name)).size > 0,
  )
  if (!found) throw new Error(`no ${pattern} in ${directory}`)
  return path.join(found.parentPath, found.name)
}
