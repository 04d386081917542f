import type { NodeId } from '../../../server/ports/network.ts'
import type { Method, Reply, Rpc } from '../../../server/rpc/method.ts'
import { KvError } from '../../../shared/errors.ts'
import { ByteReader, ByteWriter } from '../../../shared/wire.ts'

/** A frame's header and the envelope of a message. */
const AROUND = 22

type Handler = (from: NodeId, request: unknown, reply: Reply<unknown>) => void

/** Nodes of one process that call each other, in the bytes that a network would carry. */
export class LocalNetwork {
  bytes = 0
  readonly calls: string[] = []
  /** A call for which it holds is answered with an error. */
  fails: (to: NodeId, method: string) => boolean = () => false
  private readonly handlers = new Map<string, { method: Method<unknown, unknown>; run: Handler }>()

  rpc(self: NodeId): Rpc {
    return {
      call: (to, method, request, _timeoutMs, done) => {
        this.calls.push(method.name)
        const sent = this.carry(method.request.write.bind(method.request), request)
        void Promise.resolve().then(() => {
          const handler = this.handlers.get(`${to} ${method.id}`)
          if (handler === undefined || this.fails(to, method.name))
            return done(new KvError('outcome_unknown', `${to} does not answer ${method.name}`))
          handler.run(self, handler.method.request.read(new ByteReader(sent)), (error, response) => {
            if (error !== undefined) return done(error)
            const received = this.carry(handler.method.response.write.bind(handler.method.response), response)
            done(undefined, method.response.read(new ByteReader(received)))
          })
        })
      },
      cast: () => undefined,
      handle: (method, handler) => {
        const run = handler as unknown as Handler
        this.handlers.set(`${self} ${method.id}`, { method: method as Method<unknown, unknown>, run })
      },
    }
  }

  private carry<T>(write: (writer: ByteWriter, value: T) => void, value: T): Buffer {
    const writer = new ByteWriter()
    write(writer, value)
    const bytes = writer.finish()
    this.bytes += bytes.length + AROUND
    return bytes
  }
}
