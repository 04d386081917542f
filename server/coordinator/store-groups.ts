import { KvError } from '../../shared/errors.ts'
import type { NodeId } from '../ports/network.ts'
import type { StoreReply } from '../replica/replica.ts'
import type { Rpc } from '../rpc/method.ts'
import { STORE, type StoreRequest } from '../rpc/replica-methods.ts'
import { MAX_GROUP, STORE_GROUP, type StoreGroupResponse } from '../rpc/store-group-method.ts'

/** So much in one message is worth a message of its own. */
const MAX_GROUP_BYTES = 64 * 1024

/** Records for one peer that have not been sent yet. */
interface Group {
  readonly to: NodeId
  readonly records: StoreRequest[]
  /** One for each record. */
  readonly replies: StoreReply[]
  bytes: number
  timeoutMs: number
}

/**
 * Sends records to peers: those that come together for one peer, as the lines of a batch do, in one message with one
 * answer. A message costs several times what a record in it does.
 */
export class StoreGroups {
  private readonly rpc: Rpc
  private readonly groups = new Map<NodeId, Group>()

  constructor(components: { rpc: Rpc }) {
    this.rpc = components.rpc
  }

  /** The answer may be waited for somewhat longer than `timeoutMs`, where other records of its message may. */
  store(to: NodeId, record: StoreRequest, timeoutMs: number, done: StoreReply): void {
    let group = this.groups.get(to)
    if (group === undefined) {
      // What comes together comes before any promise is settled.
      if (this.groups.size === 0) void Promise.resolve().then(() => this.sendAll())
      group = { to, records: [], replies: [], bytes: 0, timeoutMs }
      this.groups.set(to, group)
    }
    group.records.push(record)
    group.replies.push(done)
    group.bytes += record.key.length + record.bytes.length
    if (timeoutMs > group.timeoutMs) group.timeoutMs = timeoutMs
    if (group.records.length === MAX_GROUP || group.bytes >= MAX_GROUP_BYTES) {
      this.groups.delete(to)
      this.send(group)
    }
  }

  private sendAll(): void {
    const groups = [...this.groups.values()]
    this.groups.clear()
    for (const group of groups) this.send(group)
  }

  private send({ to, records, replies, timeoutMs }: Group): void {
    const [first] = records
    if (records.length === 1)
      this.rpc.call(to, STORE, first as StoreRequest, timeoutMs, replies[0] as StoreReply)
    else {
      this.rpc.call(to, STORE_GROUP, { records }, timeoutMs, (error, response) => {
        for (let i = 0; i < replies.length; i++) settle(replies[i] as StoreReply, i, error, response)
      })
    }
  }
}

function settle(
  reply: StoreReply,
  index: number,
  error: KvError | undefined,
  response: StoreGroupResponse | undefined,
): void {
  if (error !== undefined) return reply(error)
  const outcome = response?.outcomes[index]
  if (outcome === undefined) reply(new KvError('outcome_unknown', 'a peer left out a record in its answer'))
  else if (outcome instanceof KvError) reply(outcome)
  else reply(undefined, outcome)
}
