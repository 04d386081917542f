import Type from 'typebox'

/** The wire types of shared/api.ts as JSON Schema, for the OpenAPI document. */

const Encoding = Type.Union([Type.Literal('utf8'), Type.Literal('base64')], {
  description: 'utf8 where the bytes are UTF-8, else base64',
})
export const keyed = {
  key: Type.String({ description: 'the key, as keyEncoding says' }),
  keyEncoding: Type.Optional(Encoding),
}
export const NodeState = Type.Union(
  ['up', 'suspect', 'down', 'joining', 'leaving'].map((state) => Type.Literal(state)),
)

const written = {
  ...keyed,
  version: Type.String({ description: 'the version that was written; the ETag of a GET' }),
  acks: Type.Integer({ minimum: 1, description: 'durable holders when it was acknowledged' }),
  w: Type.Integer({ minimum: 1, description: 'durable holders that it waited for' }),
  sloppy: Type.Boolean({ description: "true where a fallback's hint counted towards w" }),
  coordinator: Type.String({ description: 'the node that gave the write its version' }),
}
export const WriteResult = Type.Object(written)
export const DeleteResult = Type.Object({
  ...written,
  existed: Type.Optional(
    Type.Boolean({ description: 'whether there was a value, as far as the coordinator knew' }),
  ),
})

const valued = {
  value: Type.String({ description: 'the value, as encoding says' }),
  encoding: Encoding,
  version: Type.String(),
}
const sibling = {
  ...valued,
  node: Type.String({ description: 'the node that wrote it' }),
  time: Type.String({ description: 'the wall time of its stamp' }),
  ttlMs: Type.Optional(Type.Integer({ description: 'milliseconds until it expires' })),
}
export const ReadResult = Type.Object({
  ...keyed,
  ...valued,
  context: Type.String({ description: 'send it as X-KV-Context with a write that replaces what was read' }),
  siblings: Type.Optional(
    Type.Array(Type.Object(sibling), { description: 'all concurrent values, the winner first' }),
  ),
  replies: Type.Integer({ description: 'owners that had answered' }),
  r: Type.Integer({ description: 'owners that had to answer' }),
  sloppy: Type.Boolean({ description: 'true where newer writes may be out of reach' }),
})

export const ErrorBody = Type.Object({
  error: Type.Object({
    code: Type.String({ description: 'a code of the error table' }),
    message: Type.String({ description: 'what happened and why' }),
    definite: Type.Boolean({ description: 'whether certainly nothing was or will be applied' }),
    retryable: Type.Boolean({ description: 'whether the same request may succeed later' }),
    hint: Type.String({ description: 'what to do next' }),
  }),
})

export const BatchOperation = Type.Object({
  op: Type.Union([Type.Literal('put'), Type.Literal('get'), Type.Literal('del')]),
  ...keyed,
  value: Type.Optional(Type.String()),
  encoding: Type.Optional(Encoding),
  ttl: Type.Optional(Type.Integer({ minimum: 1, description: 'milliseconds' })),
  context: Type.Optional(Type.String()),
  requestId: Type.Optional(
    Type.String({ description: 'names the write: sent again, it is applied at most once' }),
  ),
  attempt: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'which attempt at requestId it is, from 0; each later one has a higher number',
    }),
  ),
})
export const BatchAnswer = Type.Object({
  line: Type.Integer({ minimum: 1, description: 'line number in the request' }),
  status: Type.Integer({ description: 'the HTTP status that the operation would have had by itself' }),
  result: Type.Optional(Type.Union([WriteResult, DeleteResult, ReadResult])),
  error: Type.Optional(ErrorBody.properties.error),
})

export const ScanEntry = Type.Object({
  ...keyed,
  value: Type.Optional(Type.String()),
  encoding: Type.Optional(Encoding),
})
export const ScanEnd = Type.Object({
  end: Type.Literal(true),
  count: Type.Integer({ description: 'entries before this line' }),
  cursor: Type.Optional(Type.String({ description: 'where to go on, where limit ended the scan' })),
})
export const CountResult = Type.Object({
  prefix: Type.String(),
  prefixEncoding: Type.Optional(Encoding),
  count: Type.Integer(),
  cursor: Type.Optional(Type.String({ description: 'present where `within` has passed: count on from it' })),
})

export const NodeStatus = Type.Object({
  id: Type.String(),
  state: NodeState,
  http: Type.String({ description: 'base URL of its HTTP API' }),
  zone: Type.String(),
  ownership: Type.Number({ description: 'fraction of all slots for which it is one of the owners' }),
  keys: Type.Integer(),
  bytes: Type.Integer(),
  hintsHeld: Type.Integer({ description: 'writes that it keeps for owners that are out of reach' }),
  divergentSlots: Type.Integer({ description: 'slots in which it knows a peer to hold something else' }),
  unfilledSlots: Type.Integer({
    description: 'slots that it owns and is given first: it counts in no read of them before',
  }),
  incarnation: Type.String({ description: 'drawn when its data directory was made' }),
})
export const NodeList = Type.Object({ nodes: Type.Array(NodeStatus) })
const Conflicts = Type.Union([Type.Literal('lww'), Type.Literal('siblings')], {
  description: 'what readers see of concurrent writes: the latest one, or all of them',
})
const quorums = { n: Type.Integer(), r: Type.Integer(), w: Type.Integer() }
export const RingStatus = Type.Object({
  cluster: Type.String(),
  layoutVersion: Type.Integer({ description: '0 before the ring is founded' }),
  ...quorums,
  conflicts: Conflicts,
  health: Type.Union([Type.Literal('ok'), Type.Literal('degraded'), Type.Literal('critical')]),
  reason: Type.String({ description: 'what is wrong and on which node' }),
  slots: Type.Integer(),
  slotsBelowN: Type.Integer({ description: 'slots with an owner that is not up' }),
  slotsWithoutQuorum: Type.Integer({ description: 'slots with fewer owners up than r or w' }),
  nodes: Type.Array(NodeStatus),
})
export const PolicyResult = Type.Object({
  conflicts: Conflicts,
  layoutVersion: Type.Integer(),
  changed: Type.Boolean({ description: 'false where the policy was this one already' }),
  waitingFor: Type.Array(Type.String(), { description: 'members out of reach that do not go by it yet' }),
})
export const RemovalResult = Type.Object({
  removed: Type.String({ description: 'the id that is taken out of the ring' }),
  layoutVersion: Type.Integer(),
  changed: Type.Boolean({ description: 'false where it had been removed already' }),
  waitingFor: Type.Array(Type.String(), {
    description: 'members out of reach that have not heard of it yet',
  }),
})
export const LocateResult = Type.Object({
  key: Type.String(),
  slot: Type.Integer({ minimum: 0, maximum: 16_383 }),
  preferenceList: Type.Array(
    Type.Object({
      id: Type.String(),
      role: Type.Union([Type.Literal('owner'), Type.Literal('fallback')]),
      state: NodeState,
    }),
  ),
})
export const LayoutResult = Type.Object({
  version: Type.Integer(),
  cluster: Type.String(),
  ringId: Type.String({ description: 'drawn when the ring was founded' }),
  ...quorums,
  conflicts: Conflicts,
  slots: Type.Integer(),
  members: Type.Array(
    Type.Object({ id: Type.String(), zone: Type.String(), weight: Type.Number(), http: Type.String() }),
  ),
  former: Type.Array(Type.String(), { description: 'ids that were taken out of the ring, in that order' }),
  owners: Type.String({
    description: 'base64 of slots x width unsigned 16-bit big-endian indices into members; 65535 is none',
  }),
  width: Type.Integer(),
})
export const HintsStatus = Type.Object({
  hints: Type.Array(
    Type.Object({
      holder: Type.String(),
      target: Type.String(),
      count: Type.Integer(),
      bytes: Type.Integer(),
      oldestMs: Type.Number({ description: 'age of the oldest, milliseconds' }),
    }),
  ),
  markedSlots: Type.Integer({
    description: 'slots that wait for anti-entropy, because a hint for them was refused, given up or lost',
  }),
})
export const HintsReplayed = Type.Object({
  hints: Type.Array(
    Type.Object({
      holder: Type.String(),
      target: Type.String(),
      count: Type.Integer(),
      sending: Type.Boolean({ description: 'false where the owner is out of reach' }),
    }),
  ),
})
const RunState = (...states: string[]) => Type.Union(states.map((state) => Type.Literal(state)))
const wallMs = (description: string) =>
  Type.Number({ description: `${description}, milliseconds since 1970` })
export const RepairStatus = Type.Object({
  node: Type.String(),
  state: RunState('running', 'paused', 'idle'),
  rounds: Type.Integer({ description: 'in which every peer has been compared with' }),
  lastRoundMs: Type.Integer({ description: '0 before the first' }),
  divergentSlots: Type.Integer({ description: 'known to differ from a peer, and not mended yet' }),
  peers: Type.Array(
    Type.Object({
      id: Type.String(),
      comparedAtMs: wallMs('0 before the first comparison; the last one'),
      slotsDiffering: Type.Integer({ description: 'in the last comparison' }),
      slotsOutstanding: Type.Integer({ description: 'of those, not mended yet' }),
      keysRepaired: Type.Integer({ description: 'since the node was started' }),
      bytesExchanged: Type.Integer({ description: 'since the node was started' }),
      error: Type.String({ description: 'why the last exchange was cut off' }),
    }),
  ),
})
export const ScrubStatus = Type.Object({
  node: Type.String(),
  state: RunState('running', 'idle'),
  slots: Type.Integer(),
  slotsChecked: Type.Integer({ description: 'of the pass under way, or of the last one' }),
  startedAtMs: wallMs('0 for never; the last pass began'),
  finishedAtMs: wallMs('0 for never; a pass was finished'),
  passes: Type.Integer({ description: 'since the node was started, as are all that follow' }),
  recordsChecked: Type.Integer(),
  recordsDamaged: Type.Integer({ description: 'failed their checksum' }),
  slotsUnreadable: Type.Integer(),
  slotsRebuilt: Type.Integer({ description: 'digests that did not match the records' }),
})
export const TombstonesStatus = Type.Object({
  node: Type.String(),
  tombstones: Type.Integer({ description: 'keys of which only tombstones are left' }),
  expiring: Type.Integer({ description: 'keys whose values expire, or have expired' }),
  collected: Type.Integer({ description: 'records removed since the node was started' }),
  slotsSettled: Type.Integer({ description: 'slots whose owners have settled what was deleted' }),
  slotsHeldUp: Type.Integer({
    description: 'slots that had to be left last: something waits for them, or their owners differ',
  }),
  waitingFor: Type.String({ description: 'why nothing is collected now' }),
})
export const HealthResult = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('not_ready'), Type.Literal('failed')]),
  id: Type.String(),
  cluster: Type.String(),
  ready: Type.Boolean(),
  reason: Type.String(),
})

const probability = (description: string) =>
  Type.Optional(Type.Number({ minimum: 0, maximum: 1, description }))
export const FaultRule = Type.Object({
  id: Type.String(),
  kind: Type.Union([Type.Literal('partition'), Type.Literal('link')]),
  groups: Type.Optional(
    Type.Array(Type.Array(Type.String()), { description: 'partition: who is cut off from whom' }),
  ),
  oneWay: Type.Optional(
    Type.Boolean({ description: 'partition: only messages out of the first group are lost' }),
  ),
  from: Type.Optional(Type.String({ description: 'link: the sender' })),
  to: Type.Optional(Type.String({ description: 'link: the receiver' })),
  latencyMs: Type.Optional(Type.Number({ minimum: 0 })),
  jitterMs: Type.Optional(Type.Number({ minimum: 0 })),
  loss: probability('fraction of messages that are lost'),
  duplicate: probability('fraction of messages that arrive twice'),
  reorder: probability('fraction of messages that are overtaken'),
  untilMs: Type.Number({ description: 'wall-clock milliseconds at which it heals by itself' }),
})
export const FaultStatus = Type.Object({
  faults: Type.Array(
    Type.Object({
      id: Type.String(),
      kind: Type.String(),
      nodes: Type.Array(Type.String()),
      until: Type.String(),
    }),
  ),
})
export const FaultAdded = Type.Object({ id: Type.String() })
export const FaultsHealed = Type.Object({ healed: Type.Integer() })
