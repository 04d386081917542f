import type { KvError } from '../../shared/errors.ts'
import type { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { NodeId } from '../ports/network.ts'

/** How one kind of message body is written and read. `read` throws on anything malformed. */
export interface Codec<T> {
  write(writer: ByteWriter, value: T): void
  read(reader: ByteReader): T
}

/** One remote procedure of the peer protocol. */
export interface Method<Request, Response> {
  /** 1 to 255, unique: the protocol's number for it. */
  readonly id: number
  readonly name: string
  readonly request: Codec<Request>
  readonly response: Codec<Response>
  /** Set for what layouts themselves are agreed by: it goes between nodes whatever layouts they go by. */
  readonly anyLayout?: true
}

/** Exactly one of the two arguments is set. */
export type Reply<Response> = (error: KvError | undefined, response?: Response) => void

/**
 * Calls to peers and handlers for theirs. Callbacks rather than promises: this is the hot path.
 *
 * `call` always calls back exactly once, never before it returns: with the response, with the error that the
 * peer answered, with `no_quorum` (definite) where the request was certainly not sent, or with
 * `outcome_unknown` where the link was lost or the deadline has passed.
 * A request is executed at most once however often the network delivers it.
 */
export interface Rpc {
  call<Request, Response>(
    to: NodeId,
    method: Method<Request, Response>,
    request: Request,
    timeoutMs: number,
    done: Reply<Response>,
  ): void
  /** Sends without an answer; best effort. */
  cast<Request>(to: NodeId, method: Method<Request, unknown>, request: Request): void
  handle<Request, Response>(
    method: Method<Request, Response>,
    handler: (from: NodeId, request: Request, reply: Reply<Response>) => void,
  ): void
}
