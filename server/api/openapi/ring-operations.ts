import Type from 'typebox'
import { content, errors, json, type Operation } from './operation.ts'
import * as schemas from './schemas.ts'

const node = {
  id: 'n1',
  state: 'up',
  http: 'http://127.0.0.1:7071',
  zone: 'default',
  ownership: 0.6,
  keys: 171_075,
  bytes: 21_000_000,
  hintsHeld: 0,
  divergentSlots: 0,
  unfilledSlots: 0,
  incarnation: '5f3a9c0d1e2b4a68',
}
const health = { status: 'ok', id: 'n1', cluster: 'kvring', ready: true, reason: '' }
const text = Type.String()

function healthOperation(summary: string, description: string): Operation {
  return {
    summary,
    description,
    tags: ['health'],
    response: {
      200: json('yes', schemas.HealthResult, health),
      503: json('no, and why', schemas.HealthResult, {
        ...health,
        status: 'not_ready',
        ready: false,
        reason: 'the ring is not formed yet',
      }),
    },
  }
}

function page(summary: string, description: string, type: string, example: unknown): Operation {
  return {
    summary,
    description,
    tags: ['about'],
    response: { 200: content(type, 'the page', text, example) },
  }
}

export const RING_OPERATIONS: readonly (readonly [string, Operation])[] = [
  [
    'GET /ring',
    {
      summary: 'The state of the ring',
      description:
        'As this node sees it: who is up, who owns how much, what is wrong. Example: kv ring status',
      tags: ['ring'],
      response: {
        200: json('the ring', schemas.RingStatus, {
          cluster: 'kvring',
          layoutVersion: 1,
          n: 3,
          r: 2,
          w: 2,
          conflicts: 'lww',
          health: 'ok',
          reason: '',
          slots: 16_384,
          slotsBelowN: 0,
          slotsWithoutQuorum: 0,
          nodes: [node],
        }),
      },
    },
  ],
  [
    'GET /ring/layout',
    {
      summary: 'Who owns which slot',
      description:
        'Lets a client send each key to one of its owners: slot = CRC16(key, or the part in {braces}) mod 16384. ' +
        'Example: curl http://127.0.0.1:7071/ring/layout',
      tags: ['ring'],
      response: {
        200: json('the layout', schemas.LayoutResult, {
          version: 1,
          cluster: 'kvring',
          ringId: '9f21c4d07a3be855',
          n: 3,
          r: 2,
          w: 2,
          conflicts: 'lww',
          slots: 16_384,
          members: [{ id: 'n1', zone: 'default', weight: 1, http: 'http://127.0.0.1:7071' }],
          former: ['n4'],
          owners: 'AAAAAQAC...',
          width: 3,
        }),
        ...errors('not_ready'),
      },
    },
  ],
  [
    'GET /ring/locate',
    {
      summary: 'The nodes of a key',
      description:
        'Its slot, its owners, and who stands in for them, in order. Example: kv ring locate greeting',
      tags: ['ring'],
      querystring: Type.Object({
        key: Type.String({ description: 'percent-encoded bytes', examples: ['greeting'] }),
      }),
      response: {
        200: json('the preference list', schemas.LocateResult, {
          key: 'greeting',
          slot: 1205,
          preferenceList: [{ id: 'n1', role: 'owner', state: 'up' }],
        }),
        ...errors('usage', 'not_ready'),
      },
    },
  ],
  [
    'POST /ring/policy',
    {
      summary: 'What becomes of concurrent writes',
      description:
        'Changes the conflict policy of the ring while it is in use: lww shows readers the latest of concurrent writes, siblings all of them. Decided by a majority of the members. Example: kv ring policy siblings',
      tags: ['ring'],
      querystring: Type.Object({
        conflicts: Type.Union([Type.Literal('lww'), Type.Literal('siblings')], { examples: ['siblings'] }),
      }),
      response: {
        200: json('the policy', schemas.PolicyResult, {
          conflicts: 'siblings',
          layoutVersion: 2,
          changed: true,
          waitingFor: [],
        }),
        ...errors('usage', 'conflict', 'not_ready', 'no_quorum', 'outcome_unknown'),
      },
    },
  ],
  [
    'POST /ring/remove',
    {
      summary: 'Take a dead node out of the ring, for good',
      description:
        'Each of its slots gets another owner, which counts in no read before it holds what the other owners have; ' +
        'what only the removed node held is lost. Its id and its data directory are never let in again. Refused ' +
        '(conflict) while it is up, where fewer than n nodes would be left, and, unless force is true, while ' +
        'another member is out of reach or being filled, or n is 1. Decided by a majority of the members. ' +
        'Example: kv node remove n4',
      tags: ['ring'],
      querystring: Type.Object({
        node: Type.String({ description: 'the id of a member that is down', examples: ['n4'] }),
        force: Type.Optional(
          Type.Boolean({ description: 'also where acknowledged writes may be lost with it' }),
        ),
      }),
      response: {
        200: json('the removal', schemas.RemovalResult, {
          removed: 'n4',
          layoutVersion: 2,
          changed: true,
          waitingFor: [],
        }),
        ...errors('usage', 'not_found', 'conflict', 'not_ready', 'no_quorum', 'outcome_unknown'),
      },
    },
  ],
  [
    'GET /nodes',
    {
      summary: 'The nodes of the ring',
      description: 'The same as in /ring, by themselves. Example: kv node list',
      tags: ['ring'],
      response: { 200: json('the nodes', schemas.NodeList, { nodes: [node] }) },
    },
  ],
  [
    'GET /hints',
    {
      summary: 'Writes kept for others',
      description: 'The hints that this node holds for owners that were out of reach. Example: kv hints list',
      tags: ['ring'],
      response: {
        200: json('the hints', schemas.HintsStatus, {
          hints: [{ holder: 'n1', target: 'n3', count: 12, bytes: 1800, oldestMs: 4200 }],
          markedSlots: 0,
        }),
      },
    },
  ],
  [
    'POST /hints/replay',
    {
      summary: 'Deliver hints now',
      description:
        'Sends the hints that this node holds to their owners, or to one of them, without waiting for the next round. ' +
        'Example: kv hints replay',
      tags: ['ring'],
      querystring: Type.Object({
        node: Type.Optional(Type.String({ description: 'only those for this owner', examples: ['n3'] })),
      }),
      response: {
        200: json('what is being sent', schemas.HintsReplayed, {
          hints: [{ holder: 'n1', target: 'n3', count: 12, sending: true }],
        }),
        ...errors('usage', 'not_found'),
      },
    },
  ],
  [
    'GET /health',
    healthOperation('Is the node well', 'As /health/ready. Example: curl http://127.0.0.1:7071/health'),
  ],
  [
    'GET /health/live',
    healthOperation(
      'Should the node go on',
      '503 where it cannot trust its disk any more: restart it. For service managers.',
    ),
  ],
  [
    'GET /health/ready',
    healthOperation(
      'Should clients come here',
      '503 with the reason before the ring is formed, and while it stops. For load balancers.',
    ),
  ],
  [
    'GET /metrics',
    page(
      'Metrics',
      'For Prometheus. Example: curl http://127.0.0.1:7071/metrics',
      'text/plain',
      'kvring_ready 1',
    ),
  ],
  [
    'GET /openapi.json',
    page(
      'This document',
      'OpenAPI 3. Example: curl http://127.0.0.1:7071/openapi.json',
      'application/json',
      '{"openapi":"3.0.3"}',
    ),
  ],
]
