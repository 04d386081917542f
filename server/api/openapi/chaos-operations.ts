import Type from 'typebox'
import { errors, json, type Operation } from './operation.ts'
import * as schemas from './schemas.ts'

const rule = { id: 'f1', kind: 'partition', groups: [['n1', 'n2']], untilMs: 1_900_000_000_000 }

export const CHAOS_OPERATIONS: readonly (readonly [string, Operation])[] = [
  [
    'GET /chaos',
    {
      summary: 'The faults in force',
      description: 'Only with chaos on. Example: kv chaos status',
      tags: ['chaos'],
      response: {
        200: json('the faults', schemas.FaultStatus, {
          faults: [{ id: 'f1', kind: 'partition', nodes: ['n1', 'n2'], until: '2030-03-17T17:46:40.000Z' }],
        }),
        ...errors('forbidden'),
      },
    },
  ],
  [
    'POST /chaos/faults',
    {
      summary: 'Break something',
      description:
        'Each node acts on its own part of a rule: send it to all of them. It heals by itself at untilMs. Only with ' +
        'chaos on. Example: kv chaos partition n1,n2 --for 30s',
      tags: ['chaos'],
      body: { content: { 'application/json': { schema: { ...schemas.FaultRule, examples: [rule] } } } },
      response: { 201: json('in force', schemas.FaultAdded, { id: 'f1' }), ...errors('usage', 'forbidden') },
    },
  ],
  [
    'DELETE /chaos/faults',
    {
      summary: 'Heal everything',
      description: 'Only with chaos on. Example: kv chaos heal',
      tags: ['chaos'],
      response: {
        200: json('how many there were', schemas.FaultsHealed, { healed: 2 }),
        ...errors('forbidden'),
      },
    },
  ],
  [
    'DELETE /chaos/faults/{id}',
    {
      summary: 'Heal one fault',
      description: 'Only with chaos on. Example: kv chaos heal f1',
      tags: ['chaos'],
      params: Type.Object({ id: Type.String({ examples: ['f1'] }) }),
      response: {
        200: json('healed', schemas.FaultsHealed, { healed: 1 }),
        ...errors('forbidden', 'not_found'),
      },
    },
  ],
]
