import type { PlantedBug } from './planted-bug.ts'

/** What goes wrong where tombstones are collected, and where a disk that has lost something is filled. */
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
    seeds: [8],
  },
  {
    name: 'a disk that was emptied counts as filled when it has been compared with one other',
    edits: [
      {
        file: 'server/membership/completeness.ts',
        find: '    this.compared.add(peer)\n',
        replace: '    for (const owner of this.lacking()) this.compared.add(owner)\n',
      },
    ],
    caughtBy: ['durability', 'honesty', 'causality', 'liveness'],
    seeds: [109],
  },
]
