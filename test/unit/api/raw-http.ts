import net from 'node:net'
import type { HttpApi } from '../../../server/api/http-api.ts'

export interface RawAnswer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** Sends bytes as they are, which no client library does, and reads all answers until the server closes. */
export async function sendRaw(port: number, bytes: Buffer | string, close = true): Promise<RawAnswer[]> {
  const socket = net.connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  await new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' ? resolve() : reject(error),
    )
    socket.on('close', () => resolve())
    socket.write(bytes)
    if (close) socket.end()
  })
  return parseAnswers(Buffer.concat(chunks))
}

function parseAnswers(bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = []
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end < 0) break
    const [first = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n')
    const headers = new Map(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 2),
      ]),
    )
    const length = headers.has('content-length') ? Number(headers.get('content-length')) : bytes.length
    const body = bytes.subarray(end + 4, end + 4 + length)
    answers.push({ status: Number(first.split(' ')[1]), headers, body })
    at = end + 4 + length
  }
  return answers
}

/** One request on a connection of its own. `path` is sent byte for byte. */
export async function request(
  port: number,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: Buffer } = {},
): Promise<RawAnswer> {
  const { headers = {}, body } = options
  let head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`
  if (body !== undefined) head += `Content-Length: ${body.length}\r\n`
  const bytes = Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body ?? Buffer.alloc(0)])
  const [answer] = await sendRaw(port, bytes, false)
  if (answer === undefined) throw new Error('the server closed the connection without an answer')
  return answer
}

export async function closeApi(api: HttpApi): Promise<void> {
  api.abort()
  await api.close()
}
