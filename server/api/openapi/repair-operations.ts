import { Type } from 'typebox'
import { SLOTS } from '../../../shared/slot.ts'
import { errors, json, type Operation } from './operation.ts'
import * as schemas from './schemas.ts'

const repair = {
  node: 'n1',
  state: 'idle',
  rounds: 12,
  lastRoundMs: 30_412,
  divergentSlots: 0,
  peers: [
    {
      id: 'n2',
      comparedAtMs: 1_900_000_000_000,
      slotsDiffering: 3,
      slotsOutstanding: 0,
      keysRepaired: 5,
      bytesExchanged: 18_204,
      error: '',
    },
  ],
}
const scrub = {
  node: 'n1',
  state: 'idle',
  slots: 16_384,
  slotsChecked: 16_384,
  startedAtMs: 1_900_000_000_000,
  finishedAtMs: 1_900_000_120_000,
  passes: 1,
  recordsChecked: 171_075,
  recordsDamaged: 0,
  slotsUnreadable: 0,
  slotsRebuilt: 0,
}

const tombstones = {
  node: 'n1',
  tombstones: 12,
  expiring: 0,
  collected: 4_031,
  slotsSettled: 2_210,
  slotsHeldUp: 0,
  waitingFor: 'n4 is out of reach',
}

function repairOperation(summary: string, description: string): Operation {
  return {
    summary,
    description,
    tags: ['repair'],
    response: { 200: json('how it is now', schemas.RepairStatus, repair), ...errors('not_ready') },
  }
}

function scrubOperation(summary: string, description: string): Operation {
  return {
    summary,
    description,
    tags: ['repair'],
    response: { 200: json('how it is now', schemas.ScrubStatus, scrub), ...errors('not_ready') },
  }
}

export const REPAIR_OPERATIONS: readonly (readonly [string, Operation])[] = [
  [
    'GET /repair',
    repairOperation(
      'Anti-entropy of this node',
      'Which peers it has compared its data with, what differed, and what was mended. Example: kv repair status',
    ),
  ],
  [
    'POST /repair/start',
    {
      ...repairOperation(
        'Compare now',
        'With every peer within reach; of one slot the records are checked first. Example: kv repair start',
      ),
      querystring: Type.Object({
        slot: Type.Optional(Type.Integer({ minimum: 0, maximum: SLOTS - 1, description: 'Checked first.' })),
      }),
    },
  ],
  [
    'POST /repair/pause',
    repairOperation(
      'Compare no more',
      'Until it is resumed, or the node starts again. Example: kv repair pause',
    ),
  ],
  ['POST /repair/resume', repairOperation('Go on', 'Where it was paused. Example: kv repair resume')],
  [
    'GET /scrub',
    scrubOperation(
      'The check of all records',
      'Against their checksums, and of the digests of the slots against the records. Example: kv scrub status',
    ),
  ],
  [
    'POST /scrub/start',
    scrubOperation('Check all records now', 'Unless that is under way. Example: kv scrub start'),
  ],
  [
    'GET /tombstones',
    {
      summary: 'What was deleted and is still remembered',
      description:
        'Tombstones go when every owner has them and nothing for their slot waits anywhere, never for their age alone. Example: kv tombstones stats',
      tags: ['repair'],
      response: {
        200: json('how it is now', schemas.TombstonesStatus, tombstones),
        ...errors('not_ready'),
      },
    },
  ],
]
