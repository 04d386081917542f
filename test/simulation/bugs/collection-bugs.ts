import type { PlantedBug } from './planted-bug.ts'

/** What goes wrong where tombstones are collected. */
export const COLLECTION_BUGS: readonly PlantedBug[] = [
  {
    name: 'tombstones go as soon as some floor is there, whatever it covers',
    edits: [
      {
        file: 'server/causality/floor.ts',
        find: 'if (deathMs(record, policy) > expiredMs || !descends(vector, record.past)) return false',
        replace: 'if (vector.size >= 0) return deathMs(record, policy) <= expiredMs',
      },
    ],
    caughtBy: ['durability', 'causality', 'convergence', 'anti-entropy', 'liveness'],
    seeds: [23],
  },
  {
    name: 'an owner that holds the same records is not told what was collected beside them',
    edits: [
      {
        file: 'server/anti-entropy/shared-slots.ts',
        find: '      const floor = floorOf(slot)\n',
        replace: '      const floor = 0 * floorOf(slot)\n',
      },
    ],
    caughtBy: ['durability', 'causality'],
    seeds: [87],
  },
]
