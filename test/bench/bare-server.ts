import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'

/** A fastify server that does nothing, in a process of its own: what any HTTP answer costs here. */
export class BareServer {
  readonly port: number
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
  }

  static async start(): Promise<BareServer> {
    const child = fork(fileURLToPath(import.meta.url), ['serve'])
    const [port] = (await once(child, 'message')) as [number]
    return new BareServer(child, port)
  }

  async cpuMicroseconds(): Promise<number> {
    const answer = once(this.child, 'message')
    this.child.send('cpu')
    return Number((await answer)[0])
  }

  async stop(): Promise<void> {
    const gone = once(this.child, 'exit')
    this.child.kill()
    await gone
  }
}

async function serve(): Promise<void> {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
  })
  process.on('disconnect', () => process.exit())
  const app = Fastify({ logger: false })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.put('/kv/:key', (_request, reply) => reply.send('{"ok":true}'))
  app.get('/kv/:key', (_request, reply) => reply.send('hello'))
  await app.listen({ host: '127.0.0.1', port: 0 })
  process.send?.((app.server.address() as AddressInfo).port)
}

if (process.argv[2] === 'serve') await serve()
