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
    seeds: [6],
  },
  {
    name: 'a removed node takes no notice of it',
    edits: [
      {
        file: 'server/membership/layout-fetch.ts',
        find: 'isMember(layout, this.self) || wasRemoved(layout, this.self)',
        replace: 'isMember(layout, this.self) || wasRemoved(layout, "")',
      },
    ],
    caughtBy: ['liveness'],
    seeds: [11],
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
    seeds: [11],
  },
]
