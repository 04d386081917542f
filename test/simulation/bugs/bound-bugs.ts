import type { PlantedBug } from './planted-bug.ts'

/** What grows without bound. */
export const BOUND_BUGS: readonly PlantedBug[] = [
  {
    name: 'a key takes any number of concurrent values',
    edits: [
      {
        file: 'server/replica/replica.ts',
        find: '  if (count < 2 || count <= before.siblings.length) return\n',
        replace: '  if (count > 0) return\n',
      },
    ],
    caughtBy: ['bounds'],
    seeds: [29],
  },
  {
    name: 'a fallback that coordinates asks for no room for its hint',
    edits: [
      {
        file: 'server/coordinator/put.ts',
        find: '    if (refusal !== undefined) throw refusal\n',
        replace: '',
      },
    ],
    caughtBy: ['bounds'],
    seeds: [6],
  },
  {
    name: 'a request that was answered is remembered all the same',
    edits: [
      {
        file: 'server/rpc/peer-rpc.ts',
        find: '    pending.settle()\n    this.pending.delete(id)\n',
        replace: '    pending.settle()\n',
      },
    ],
    caughtBy: ['liveness'],
    seeds: [1],
  },
]
