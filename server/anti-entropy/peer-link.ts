import { KvError } from '../../shared/errors.ts'
import { ByteWriter } from '../../shared/wire.ts'
import type { NodeId } from '../ports/network.ts'
import type { Codec, Method, Rpc } from '../rpc/method.ts'

/** What stands around the body of each message: the frame's header and the envelope. */
const ENVELOPE_BYTES = 22

/** Calls to one peer, and how many bytes they have taken in both directions. */
export class PeerLink {
  bytes = 0
  readonly peer: NodeId
  private readonly rpc: Rpc

  constructor(components: { rpc: Rpc }, settings: { peer: NodeId }) {
    this.rpc = components.rpc
    this.peer = settings.peer
  }

  /** Rejects with a KvError. */
  ask<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    this.bytes += sizeOf(method.request, request)
    return new Promise((resolve, reject) => {
      this.rpc.call(this.peer, method, request, timeoutMs, (error, response) => {
        if (error !== undefined || response === undefined)
          return reject(error ?? new KvError('internal', `${method.name} was answered with nothing`))
        this.bytes += sizeOf(method.response, response)
        resolve(response)
      })
    })
  }
}

function sizeOf<T>(codec: Codec<T>, value: T): number {
  const writer = new ByteWriter()
  codec.write(writer, value)
  return ENVELOPE_BYTES + writer.finish().length
}
