import { type KvError, toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import type { Holder } from '../handoff/holder.ts'
import type { NodeId } from '../ports/network.ts'
import type { StoreReply } from '../replica/replica.ts'
import type { Rpc } from '../rpc/method.ts'
import { FETCH, type FetchResponse, type StoreRequest } from '../rpc/replica-methods.ts'
import { StoreGroups } from './store-groups.ts'

export type FetchReply = (error: KvError | undefined, held?: FetchResponse) => void

/** Every holder of records, this node and its peers alike, as a coordinator asks them. */
export class Holders {
  private readonly components: { rpc: Rpc; holder: Holder; hybrid: HybridClock }
  private readonly groups: StoreGroups
  private readonly self: NodeId

  constructor(components: { rpc: Rpc; holder: Holder; hybrid: HybridClock }, settings: { id: NodeId }) {
    this.components = components
    this.groups = new StoreGroups(components)
    this.self = settings.id
  }

  /** What this node coordinates: a write on its way. May call back before it returns when the holder is this node. */
  store(node: NodeId, key: Key, hintFor: string, bytes: Buffer, timeoutMs: number, done: StoreReply): void {
    this.send(node, { key, hintFor, bytes, fresh: true }, timeoutMs, done)
  }

  /** What an owner has missed. May call back before it returns when the holder is this node. */
  mend(node: NodeId, key: Key, bytes: Buffer, timeoutMs: number, done: StoreReply): void {
    this.send(node, { key, hintFor: '', bytes, fresh: false }, timeoutMs, done)
  }

  /** May call back before it returns when the holder is this node. */
  fetch(node: NodeId, key: Key, onFloor: boolean, timeoutMs: number, done: FetchReply): void {
    const { rpc, holder, hybrid } = this.components
    const request = { key, onFloor, once: false, wallMs: hybrid.wallMs() }
    if (node !== this.self) {
      return rpc.call(node, FETCH, request, timeoutMs, (error, held) => {
        if (held !== undefined) hybrid.observe({ wallMs: held.wallMs, logical: 0 })
        done(error, held)
      })
    }
    try {
      done(undefined, holder.fetch(request))
    } catch (error) {
      done(toKvError(error))
    }
  }

  private send(node: NodeId, request: StoreRequest, timeoutMs: number, done: StoreReply): void {
    const { key, hintFor, bytes, fresh } = request
    if (node !== this.self) this.groups.store(node, request, timeoutMs, done)
    else this.components.holder.store(key, hintFor, bytes, fresh ? 'write' : 'mend', done)
  }
}
