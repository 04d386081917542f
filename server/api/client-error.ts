import type { Socket } from 'node:net'
import { KvError } from '../../shared/errors.ts'

/** The answer to bytes that Node.js could not read as a request, or that took too long to arrive. */
const REFUSALS = new Map<string, [status: string, error: KvError]>([
  [
    'ERR_HTTP_REQUEST_TIMEOUT',
    [
      '408 Request Timeout',
      new KvError('usage', 'the request took too long to arrive', 'send it faster, or as a batch'),
    ],
  ],
  [
    'HPE_INVALID_URL',
    [
      '400 Bad Request',
      new KvError('usage', 'the URL has bytes that are not ASCII', 'percent-encode them: %C3%A9'),
    ],
  ],
  [
    'HPE_HEADER_OVERFLOW',
    [
      '431 Request Header Fields Too Large',
      new KvError('too_large', 'the URL and headers are over their limit', 'keys have at most 1,024 bytes'),
    ],
  ],
])

const MALFORMED: [status: string, error: KvError] = [
  '400 Bad Request',
  new KvError('usage', 'this is not HTTP that can be understood', 'see RFC 9112'),
]

/** Answers where that is still possible, and closes the connection. */
export function refuseClient(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    // In the middle of an answer, or behind one that is kept alive, an error cannot be told apart from data.
    socket.destroy()
    return
  }
  const [status, reason] = REFUSALS.get(error.code ?? '') ?? MALFORMED
  const body = JSON.stringify(reason.toBody())
  const head = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n`
  socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  socket.destroySoon()
}
