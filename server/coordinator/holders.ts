import { type KvError, toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import type { Holder } from '../handoff/holder.ts'
import type { NodeId } from '../ports/network.ts'
import type { StoreReply } from '../replica/replica.ts'
import type { Rpc } from '../rpc/method.ts'
import { FETCH } from '../rpc/replica-methods.ts'
import { StoreGroups } from './store-groups.ts'

export type FetchReply = (error: KvError | undefined, bytes?: Buffer) => void

/** Every holder of records, this node and its peers alike, as a coordinator asks them. */
export class Holders {
  private readonly components: { rpc: Rpc; holder: Holder }
  private readonly groups: StoreGroups
  private readonly self: NodeId

  constructor(components: { rpc: Rpc; holder: Holder }, settings: { id: NodeId }) {
    this.components = components
    this.groups = new StoreGroups(components)
    this.self = settings.id
  }

  /** May call back before it returns when the holder is this node. */
  store(node: NodeId, key: Key, hintFor: string, bytes: Buffer, timeoutMs: number, done: StoreReply): void {
    if (node === this.self) this.components.holder.store(key, hintFor, bytes, done)
    else this.groups.store(node, { key, hintFor, bytes }, timeoutMs, done)
  }

  /** May call back before it returns when the holder is this node. */
  fetch(node: NodeId, key: Key, timeoutMs: number, done: FetchReply): void {
    const { rpc, holder } = this.components
    if (node !== this.self) {
      return rpc.call(node, FETCH, { key }, timeoutMs, (error, response) => done(error, response?.bytes))
    }
    try {
      done(undefined, holder.fetch(key))
    } catch (error) {
      done(toKvError(error))
    }
  }
}
