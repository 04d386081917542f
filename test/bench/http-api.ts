import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import type { Coordinator } from '../../server/coordinator/outcome.ts'
import { FakeNode, fakeApi } from '../unit/api/fake-node.ts'
import { httpLoad, requestBytes } from './http-load.ts'

/**
 * The HTTP API over a coordinator that does nothing, beside a bare fastify route, each in a process of its own:
 * `npx tsx test/bench/http-api.ts`. The figures are only comparable within one run.
 */
const SECONDS = 3
const VALUE = Buffer.alloc(100, 'v')

class IdleCoordinator implements Coordinator {
  async put() {
    return {
      version: 'n1-0123456789abcdef.1',
      acks: 2,
      w: 2,
      sloppy: false,
      coordinator: 'n1',
      existed: false,
    }
  }
  async get() {
    const values = [{ value: VALUE, version: 'n1-0123456789abcdef.1', stampMs: 0, expiresAtMs: 0 }]
    return {
      values,
      context: { vector: new Map([['n1-0123456789abcdef', 1]]), seen: [] },
      replies: 2,
      r: 2,
      wallMs: 0,
      sloppy: false,
    }
  }
  async scan() {
    return { entries: [] }
  }
}

async function serve(which: string): Promise<void> {
  process.on('message', () => process.send?.(cpuMicroseconds()))
  if (which === 'bare') {
    const app = Fastify({ logger: false })
    app.get('/', (_request, reply) => reply.send('hello'))
    await app.listen({ host: '127.0.0.1', port: 0 })
    process.send?.((app.server.address() as { port: number }).port)
  } else {
    const node = new FakeNode()
    Object.assign(node, { coordinator: new IdleCoordinator() })
    process.send?.(await fakeApi(node).listen('127.0.0.1', 0))
  }
}

function cpuMicroseconds(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function measure(which: string, request: (i: number) => Buffer): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['serve', which])
  const answer = () =>
    new Promise<number>((resolve) => child.once('message', (message) => resolve(Number(message))))
  const cpu = (): Promise<number> => {
    child.send('cpu')
    return answer()
  }
  const port = await answer()
  const settings = { host: '127.0.0.1', ports: [port], connections: 64, request }
  await httpLoad({ ...settings, milliseconds: 1000 })
  const before = await cpu()
  const result = await httpLoad({ ...settings, milliseconds: SECONDS * 1000 })
  const perRequest = ((await cpu()) - before) / result.requests
  child.kill()
  const { perSecond, p50Ms, p99Ms, failures } = result
  const latency = `p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms`
  console.log(
    `${which.padEnd(6)} ${perSecond}/s  ${perRequest.toFixed(1)} us CPU  ${latency}  ${failures} failures`,
  )
}

if (process.argv[2] === 'serve') await serve(process.argv[3] as string)
else {
  const put = Array.from({ length: 1000 }, (_, i) => requestBytes('PUT', `/kv/key-${i}`, VALUE))
  const get = Array.from({ length: 1000 }, (_, i) => requestBytes('GET', `/kv/key-${i}`))
  const hello = requestBytes('GET', '/')
  for (let round = 0; round < 2; round++) {
    await measure('bare', () => hello)
    await measure('PUT', (i) => put[i % 1000] as Buffer)
    await measure('GET', (i) => get[i % 1000] as Buffer)
  }
}
