import type { NodeId } from '../../server/ports/network.ts'
import type { Method, Reply, Rpc } from '../../server/rpc/method.ts'

interface StubCall {
  readonly to: NodeId
  readonly method: string
  readonly request: unknown
  readonly timeoutMs: number
  readonly done: Reply<unknown>
}

/** Calls that wait until the test answers them, oldest first. */
export class RpcStub implements Rpc {
  readonly calls: StubCall[] = []

  call<Request, Response>(
    to: NodeId,
    method: Method<Request, Response>,
    request: Request,
    timeoutMs: number,
    done: Reply<Response>,
  ): void {
    this.calls.push({ to, method: method.name, request, timeoutMs, done: done as Reply<unknown> })
  }

  cast(): void {}

  handle(): void {}

  /** The oldest call that waits, to the node where one is named. */
  take(to?: NodeId): StubCall {
    const index = this.calls.findIndex((call) => to === undefined || call.to === to)
    const [call] = index === -1 ? [] : this.calls.splice(index, 1)
    if (call === undefined) throw new Error(`no call waits for ${to ?? 'anyone'}`)
    return call
  }
}
