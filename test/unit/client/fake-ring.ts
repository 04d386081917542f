import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BatchOperation } from '../../../shared/api.ts'
import { decodeBytes, decodeKey, encodeBytes, encodeKey } from '../../../shared/encoding.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromPath, keyToBytes } from '../../../shared/key.ts'

/** What a fake node does with a request instead of answering it. */
export type Mischief =
  | { kind: 'error'; error: KvError }
  /** Closes the connection, before or after the write has been applied. */
  | { kind: 'drop'; applied: boolean }
  | { kind: 'hang' }
  | { kind: 'slow'; ms: number }
  | { kind: 'foreign'; status: number }

/** A node that holds its keys in a Map, speaks the HTTP contract, and misbehaves when told to. */
export class FakeNode {
  readonly values = new Map<string, Buffer>()
  /** Requests that the client gave up before they were answered. */
  abandoned = 0
  /** Every write that was applied, in order. */
  readonly writes: { key: string; value: Buffer; request: string | undefined; attempt: number }[] = []
  /** All but the questions whether the node is alive. */
  readonly requests: { method: string; url: string; headers: http.IncomingHttpHeaders }[] = []
  mischief: (method: string, url: string) => Mischief | undefined = () => undefined
  /** Decides the answer to one line of a batch; undefined applies it. */
  lineError: (operation: BatchOperation) => KvError | undefined = () => undefined
  onLine: (operation: BatchOperation) => void = () => undefined
  members: FakeNode[] = [this]
  /** Nodes that were taken out of the ring. */
  readonly removed: string[] = []
  private readonly applied = new Set<string>()
  private readonly server = http.createServer((request, response) => void this.handle(request, response))

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private async handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = '', url = '' } = request
    const alive = url === '/health/live'
    if (!alive) this.requests.push({ method, url, headers: request.headers })
    response.on('close', () => {
      if (!alive && !response.writableEnded) this.abandoned++
    })
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const mischief = this.mischief(method, url)
    if (mischief?.kind === 'hang') return
    if (mischief?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, mischief.ms))
    if (mischief?.kind === 'drop' && !mischief.applied) return void request.socket.destroy()
    if (mischief?.kind === 'error') return this.fail(response, mischief.error)
    if (mischief?.kind === 'foreign') {
      response.writeHead(mischief.status, { 'content-type': 'text/html' })
      response.end('<html>nginx</html>')
      return
    }
    const [path = '', query = ''] = url.split('?')
    const parameters = new URLSearchParams(query)
    if (alive) this.json(response, { status: 'ok' })
    else if (path.startsWith('/kv/'))
      this.single(request, response, keyFromPath(path.slice(4)), body, mischief)
    else if (path === '/kv') this.batch(response, body)
    else if (path === '/scan') this.scan(response, parameters)
    else if (path === '/count') this.json(response, { prefix: '', count: this.values.size })
    else if (path === '/ring/layout') this.layout(response)
    else if (path === '/ring/remove') this.remove(request, response, parameters.get('node') ?? '', mischief)
    else this.fail(response, new KvError('not_found', 'there is no such path'))
  }

  private single(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    key: string,
    body: Buffer,
    mischief: Mischief | undefined,
  ): void {
    response.setHeader('x-kv-replies', '2')
    const id = request.headers['x-kv-request-id'] as string | undefined
    const attempt = Number(request.headers['x-kv-attempt'] ?? 0)
    if (request.method === 'PUT' || request.method === 'DELETE') {
      this.apply(key, request.method === 'PUT' ? body : undefined, id, attempt)
      if (mischief?.kind === 'drop') return void request.socket.destroy()
      return this.json(response, this.written(key))
    }
    const value = this.values.get(key)
    if (value === undefined) return this.fail(response, new KvError('not_found', 'there is no such key'))
    const { text, encoding } = encodeBytes(value)
    this.json(response, {
      ...encodeKey(key),
      value: text,
      encoding,
      version: 'v',
      context: 'c',
      replies: 2,
      r: 2,
      sloppy: false,
    })
  }

  private batch(response: http.ServerResponse, body: Buffer): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    let line = 0
    for (const text of body.toString('utf8').split('\n')) {
      if (text === '') continue
      line++
      const operation = JSON.parse(text) as BatchOperation
      this.onLine(operation)
      const error = this.lineError(operation)
      if (error) response.write(`${JSON.stringify({ line, status: error.kind.http, ...error.toBody() })}\n`)
      else {
        const key = decodeKey(operation.key, operation.keyEncoding)
        const value = decodeBytes(operation.value as string, operation.encoding)
        this.apply(key, value, operation.requestId, operation.attempt ?? 0)
        response.write(`${JSON.stringify({ line, status: 200, result: this.written(key) })}\n`)
      }
    }
    response.end()
  }

  private apply(key: string, value: Buffer | undefined, request: string | undefined, attempt: number): void {
    if (request !== undefined && this.members.some((member) => member.applied.has(request))) return
    if (request !== undefined) this.applied.add(request)
    this.writes.push({ key, value: value ?? Buffer.alloc(0), request, attempt })
    for (const { values } of this.members) {
      if (value === undefined) values.delete(key)
      else values.set(key, value)
    }
  }

  private scan(response: http.ServerResponse, parameters: URLSearchParams): void {
    const limit = Number(parameters.get('limit') ?? 1e9)
    const after = parameters.get('cursor') ?? ''
    const prefix = keyFromPathOrEmpty(parameters.get('prefix') ?? '')
    const keys = [...this.values.keys()]
      .filter((key) => key.startsWith(prefix))
      .sort((a, b) => (a < b ? -1 : 1))
    const names = keys.filter((key) => Buffer.from(key, 'latin1').toString('hex') > after)
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    const page = names.slice(0, limit)
    for (const key of page) {
      const { text, encoding } = encodeBytes(this.values.get(key) as Buffer)
      const value = parameters.get('values') === 'false' ? {} : { value: text, encoding }
      response.write(`${JSON.stringify({ ...encodeKey(key), ...value })}\n`)
    }
    const last = page.at(-1)
    const more = page.length < names.length && last !== undefined
    const cursor = more ? { cursor: Buffer.from(last, 'latin1').toString('hex') } : {}
    response.end(`${JSON.stringify({ end: true, count: page.length, ...cursor })}\n`)
  }

  private layout(response: http.ServerResponse): void {
    const owners = Buffer.alloc(16_384 * 2)
    for (let slot = 0; slot < 16_384; slot++) owners.writeUInt16BE(slot % this.members.length, slot * 2)
    const members = this.members.map(({ url }, i) => ({ id: `n${i + 1}`, zone: '', weight: 1, http: url }))
    this.json(response, { version: 1, members, slots: 16_384, owners: owners.toString('base64'), width: 1 })
  }

  private remove(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    removed: string,
    mischief: Mischief | undefined,
  ): void {
    const changed = !this.members.some((member) => member.removed.includes(removed))
    if (changed) this.removed.push(removed)
    if (mischief?.kind === 'drop') return void request.socket.destroy()
    this.json(response, { removed, layoutVersion: 2, changed, waitingFor: [] })
  }

  private written(key: string): object {
    return { ...encodeKey(key), version: 'v', acks: 2, w: 2, sloppy: false, coordinator: 'n1' }
  }

  private json(response: http.ServerResponse, value: object): void {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(value))
  }

  private fail(response: http.ServerResponse, error: KvError): void {
    response.statusCode = error.kind.http
    this.json(response, error.toBody())
  }
}

/** Parses what the client wrote into a query, where it is already decoded. */
function keyFromPathOrEmpty(text: string): string {
  return text === '' ? '' : keyToBytes(keyFromPath(encodeURIComponent(text))).toString('latin1')
}
