import type { PlantedBug } from './planted-bug.ts'

/** What goes wrong where the members decide on a layout. */
export const LAYOUT_BUGS: readonly PlantedBug[] = [
  {
    name: 'a proposer passes over what acceptors have accepted',
    edits: [
      {
        file: 'server/paxos/proposer.ts',
        find: 'return this.highest === undefined ? this.own : this.highest.value',
        replace: 'return this.own',
      },
    ],
    caughtBy: ['one-layout'],
    seeds: [16],
  },
]
