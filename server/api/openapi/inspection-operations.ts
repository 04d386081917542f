import Type from 'typebox'
import { errors, json, type Operation } from './operation.ts'
import { keyed, NodeState } from './schemas.ts'

const names = (description: string) => Type.Array(Type.String(), { description })

const Version = Type.Object({
  version: Type.String(),
  node: Type.String({ description: 'the node that wrote it' }),
  time: Type.String({ description: 'the wall time of its stamp' }),
  logical: Type.Integer({ description: 'orders versions of the same millisecond' }),
  state: Type.Union(['live', 'deleted', 'expired', 'void'].map((state) => Type.Literal(state))),
  bytes: Type.Integer(),
  digest: Type.String({ description: "of the value's SHA-256, 16 digits; empty for a tombstone" }),
  expiresAt: Type.Optional(Type.String()),
})
const Copy = Type.Object({
  digest: Type.String({ description: "of the record's SHA-256, 16 digits" }),
  bytes: Type.Integer(),
  versions: Type.Array(Version),
  past: Type.Array(Type.Object({ actor: Type.String(), counter: Type.Integer() })),
  retired: Type.Integer({ description: 'replaced requests that are remembered' }),
})
const KeyReport = Type.Object({
  ...keyed,
  slot: Type.Integer(),
  n: Type.Integer(),
  conflicts: Type.Union([Type.Literal('lww'), Type.Literal('siblings')]),
  same: Type.Boolean({ description: 'whether all owners were reached and hold the same' }),
  merged: Type.Union([Copy, Type.Null()], { description: 'all copies and hints that were reached, merged' }),
  nodes: Type.Array(
    Type.Object({
      id: Type.String(),
      role: Type.Union([Type.Literal('owner'), Type.Literal('fallback')]),
      state: NodeState,
      answered: Type.Boolean({ description: 'where false, nothing is known of what the node holds' }),
      problem: Type.String({ description: 'why it did not answer, or what is damaged on its disk' }),
      copy: Type.Union([Copy, Type.Null()]),
      hints: Type.Array(Type.Object({ for: Type.String(), copy: Copy })),
      difference: Type.Optional(
        Type.Object({
          lacks: names('versions that it has not'),
          outdated: names('versions that were replaced elsewhere'),
          restamped: names('versions that it has with another stamp'),
          pastDiffers: Type.Boolean(),
        }),
      ),
    }),
    { description: 'the preference list' },
  ),
  reads: Type.Array(
    Type.Object({
      r: Type.Integer(),
      answers: Type.Array(
        Type.Object({
          asked: Type.Array(Type.Array(Type.String()), {
            description: 'sets of nodes, each of which answers so',
          }),
          outcome: Type.Union(
            ['value', 'siblings', 'not_found', 'no_quorum'].map((outcome) => Type.Literal(outcome)),
          ),
          versions: names('what the read shows, the winner first'),
          sloppy: Type.Boolean(),
        }),
      ),
    }),
    { description: 'what a read would answer' },
  ),
})
const KeyRepairResult = Type.Object({
  ...keyed,
  slot: Type.Integer(),
  versions: names('of the merged record'),
  mended: names('owners that lacked something, and hold all of it durably now'),
  sound: names('owners that held all of it already'),
  failed: Type.Array(Type.Object({ id: Type.String(), why: Type.String() })),
  unseen: names('nodes that were not reached'),
  complete: Type.Boolean({ description: 'whether every owner holds the merged record' }),
})

const querystring = Type.Object({
  key: Type.String({ description: 'percent-encoded bytes', examples: ['greeting'] }),
  timeout: Type.Optional(Type.String({ description: 'time for all nodes to answer', examples: ['2s'] })),
})
const version = {
  version: 'n1.5f3a9c0d.0:42',
  node: 'n1',
  time: '2026-01-31T12:00:00.000Z',
  logical: 0,
  state: 'live',
  bytes: 5,
  digest: '2cf24dba5fb0a30e',
}
const copy = { digest: '9b71d224bd62f378', bytes: 61, versions: [version], past: [], retired: 0 }
const node = { id: 'n1', role: 'owner', state: 'up', answered: true, problem: '', copy, hints: [] }
const answer = { asked: [['n1']], outcome: 'value', versions: [version.version], sloppy: false }

export const INSPECTION_OPERATIONS: readonly (readonly [string, Operation])[] = [
  [
    'GET /keys/explain',
    {
      summary: 'All copies of a key',
      description:
        'What each node of the preference list holds of the key, what they differ in, and what a read would answer. ' +
        'Example: kv key explain greeting',
      tags: ['data'],
      querystring,
      response: {
        200: json('the copies', KeyReport, {
          key: 'greeting',
          slot: 1205,
          n: 3,
          conflicts: 'lww',
          same: true,
          merged: copy,
          nodes: [node],
          reads: [{ r: 1, answers: [answer] }],
        }),
        ...errors('usage', 'overloaded', 'not_ready'),
      },
    },
  ],
  [
    'POST /keys/repair',
    {
      summary: 'Mend a key',
      description:
        'Merges what all nodes hold of the key, hints included, and stores that at each owner that lacks any of it. ' +
        'It may be repeated, and takes no write back. Example: kv key repair greeting',
      tags: ['data'],
      querystring,
      response: {
        200: json('who was mended', KeyRepairResult, {
          key: 'greeting',
          slot: 1205,
          versions: [version.version],
          mended: ['n3'],
          sound: ['n1', 'n2'],
          failed: [],
          unseen: [],
          complete: true,
        }),
        ...errors('usage', 'overloaded', 'not_ready'),
      },
    },
  ],
]
