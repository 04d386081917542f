import http from 'node:http'
import https from 'node:https'
import axios, { AxiosError, type AxiosResponse } from 'axios'
import { type Exchange, type HttpRequest, type HttpResponse, LinkError } from './exchange.ts'

/** Bytes of an answer that is held in memory as a whole: a batch of the largest values, and some room. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024

/** Whether the request can have reached the server, as its socket tells. */
interface Departure {
  sent: boolean
}

/** HTTP over axios, with connections kept alive and no proxy between. */
export class AxiosExchange implements Exchange {
  private readonly httpAgent = new http.Agent({ keepAlive: true })
  private readonly httpsAgent = new https.Agent({ keepAlive: true })

  async send(endpoint: string, request: HttpRequest): Promise<HttpResponse<Buffer>> {
    const departure: Departure = { sent: false }
    try {
      return read(await this.request<Buffer>(endpoint, request, 'arraybuffer', departure))
    } catch (thrown) {
      throw linkError(thrown, departure)
    }
  }

  async stream(endpoint: string, request: HttpRequest): Promise<HttpResponse<AsyncIterable<Buffer>>> {
    const departure: Departure = { sent: false }
    try {
      const answer = await this.request<http.IncomingMessage>(endpoint, request, 'stream', departure)
      return { ...read(answer), body: chunks(answer.data, request.timeoutMs) }
    } catch (thrown) {
      throw linkError(thrown, departure)
    }
  }

  close(): void {
    this.httpAgent.destroy()
    this.httpsAgent.destroy()
  }

  private request<Body>(
    endpoint: string,
    request: HttpRequest,
    responseType: 'arraybuffer' | 'stream',
    departure: Departure,
  ): Promise<AxiosResponse<Body>> {
    const base = new URL(endpoint)
    const path = base.pathname.replace(/\/$/, '') + request.path
    return axios.request<Body>({
      url: base.origin,
      method: request.method,
      headers: { Accept: 'application/json', 'Content-Type': false, ...request.headers },
      data: request.body,
      timeout: request.timeoutMs,
      ...(request.signal && { signal: request.signal }),
      responseType,
      decompress: false,
      maxRedirects: 0,
      maxContentLength: responseType === 'stream' ? -1 : MAX_ANSWER_BYTES,
      maxBodyLength: -1,
      proxy: false,
      validateStatus: null,
      transformRequest: (data: Buffer | undefined) => data,
      // axios hands its options over as they are, which is the one place where the path of a key like `..`,
      // which every URL parser would resolve, can be put back.
      transport: {
        request: (options: http.RequestOptions, handle: (response: http.IncomingMessage) => void) => {
          const secure = base.protocol === 'https:'
          const agent = secure ? this.httpsAgent : this.httpAgent
          const sending = (secure ? https : http).request({ ...options, path, agent }, handle)
          watchDeparture(sending, secure, departure)
          return sending
        },
      },
    })
  }
}

/** Before its connection stands, nothing of a request can have left this machine. */
function watchDeparture(sending: http.ClientRequest, secure: boolean, departure: Departure): void {
  sending.once('socket', (socket) => {
    if (!socket.connecting) departure.sent = true
    else {
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        departure.sent = true
      })
    }
  })
}

function read<Body>(answer: AxiosResponse<Body>): HttpResponse<Body> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(answer.headers)) headers[name] = String(value)
  return { status: answer.status, headers, body: answer.data }
}

/** The body as it arrives. axios's timeout ends with the headers, so the silence after them is watched here. */
async function* chunks(body: http.IncomingMessage, timeoutMs: number): AsyncIterable<Buffer> {
  const { socket } = body
  const silent = (): void => {
    body.destroy(new LinkError('no answer in time', true, true))
  }
  socket.setTimeout(timeoutMs)
  socket.on('timeout', silent)
  try {
    yield* body as AsyncIterable<Buffer>
  } catch (thrown) {
    throw linkError(thrown, { sent: true })
  } finally {
    socket.setTimeout(0)
    socket.removeListener('timeout', silent)
  }
}

function linkError(thrown: unknown, departure: Departure): LinkError {
  if (thrown instanceof LinkError) return thrown
  const error = thrown as AxiosError
  const timedOut = error.code === AxiosError.ECONNABORTED || error.code === AxiosError.ETIMEDOUT
  // A host that has several addresses fails with an AggregateError, whose own message is empty.
  const reason = error.message || error.code || 'the connection failed'
  return new LinkError(timedOut ? 'no answer in time' : reason, departure.sent, timedOut)
}
