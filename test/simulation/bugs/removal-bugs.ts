import type { PlantedBug } from './planted-bug.ts'

/** What goes wrong where a node is taken out of the ring, and others take its place. */
export const REMOVAL_BUGS: readonly PlantedBug[] = [
  {
    name: 'an owner that takes the place of another counts at once',
    edits: [
      {
        file: 'server/membership/completeness.ts',
        find: '    if (gained.length === 0) return',
        replace: '    if (gained.length >= 0) return',
      },
    ],
    caughtBy: ['honesty', 'causality', 'durability'],
    seeds: [],
  },
  {
    name: 'owners serve those who go by the owners of before',
    edits: [
      {
        file: 'server/rpc/layout-fence.ts',
        find: 'if (version >= this.source.placedIn()) return undefined',
        replace: 'if (version >= 0) return undefined',
      },
    ],
    caughtBy: ['honesty', 'causality', 'durability'],
    seeds: [],
  },
  {
    name: 'a removed node is served, and never hears of it',
    edits: [
      {
        file: 'server/rpc/layout-fence.ts',
        find: 'if (this.source.removed(from)) return',
        replace: 'if (this.source.removed(from)) return undefined\n    if (version < 0) return',
      },
      {
        file: 'server/rpc/layout-fence.ts',
        find: 'if (version >= this.source.placedIn()) return undefined',
        replace: 'if (version >= 0) return undefined',
      },
      {
        file: 'server/membership/roster.ts',
        find: 'if (this.components.layouts.removed(from)) {',
        replace: 'if (from === undefined) {',
      },
    ],
    caughtBy: ['honesty', 'causality', 'durability', 'liveness', 'convergence'],
    seeds: [],
  },
  {
    name: 'hints for a removed node stay for ever',
    edits: [
      {
        file: 'server/handoff/hint-replay.ts',
        find: 'this.components.ring.reachable(target) || this.gone(target)',
        replace: 'this.components.ring.reachable(target)',
      },
    ],
    caughtBy: ['liveness'],
    seeds: [],
  },
  {
    name: 'an owner that has to be filled counts in writes',
    edits: [
      {
        file: 'server/coordinator/put-core.ts',
        find: 'const list = complete ? this.owners : this.unfilled',
        replace: 'const list = complete || true ? this.owners : this.unfilled',
      },
    ],
    caughtBy: ['honesty', 'causality', 'durability'],
    seeds: [],
  },
]
