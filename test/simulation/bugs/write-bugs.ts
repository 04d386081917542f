import type { PlantedBug } from './planted-bug.ts'

/** What coordinators of reads and writes get wrong. */
export const WRITE_BUGS: readonly PlantedBug[] = [
  {
    name: 'a write is acknowledged before its commit resolves',
    edits: [
      {
        file: 'server/replica/group-commit.ts',
        find: 'this.waiters.push(done)',
        replace: `this.waiters.push(undefined)
    void Promise.resolve().then(() => done?.(undefined))`,
      },
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
    seeds: [53],
  },
  {
    name: 'a write is acknowledged after w - 1 acks',
    edits: [
      {
        file: 'server/coordinator/put-core.ts',
        find: `    return this.strict || (this.hints.length === 0 && !this.anyCopy) ? this.owners.length : this.paired()
  }

  get enough(): boolean {
    return this.acks >= this.w`,
        replace: `    return Math.max(this.w, this.strict ? this.owners.length : this.paired())
  }

  get enough(): boolean {
    return (this.strict ? this.owners.length : this.paired()) >= this.w - 1`,
      },
    ],
    caughtBy: ['honesty', 'causality', 'durability'],
    seeds: [2],
  },
  {
    name: 'a timeout is reported as a definite failure',
    edits: [
      {
        file: 'server/coordinator/put.ts',
        find: "new KvError('outcome_unknown', why,",
        replace: "new KvError('no_quorum', why,",
      },
    ],
    caughtBy: ['honesty'],
    seeds: [5],
  },
  {
    name: 'a write that an owner outranks is not stamped again',
    edits: [
      {
        file: 'server/coordinator/put.ts',
        find: 'if (this.round === 1 && outrankedBy !== undefined)',
        replace: 'if (this.round === 0 && outrankedBy !== undefined)',
      },
    ],
    caughtBy: ['causality'],
    seeds: [18],
  },
  {
    name: 'a read does not ask who holds hints for the owners',
    edits: [
      {
        file: 'server/coordinator/get.ts',
        find: '    if (!this.isOwner(owner)) return\n',
        replace: '    if (this.isOwner(owner)) return\n',
      },
    ],
    caughtBy: ['honesty', 'causality'],
    seeds: [7],
  },
  {
    name: 'a read answers with a reply less than it was asked for',
    edits: [
      {
        file: 'server/coordinator/get-core.ts',
        find: 'return this.counted >= this.r',
        replace: 'return this.counted >= Math.max(1, this.r - 1)',
      },
    ],
    caughtBy: ['honesty'],
    seeds: [1],
  },
  {
    name: 'a write that hints made up does not say that it is sloppy',
    edits: [
      {
        file: 'server/coordinator/put-core.ts',
        find: 'return this.owners.length < this.w',
        replace: 'return this.owners.length < 0',
      },
    ],
    caughtBy: ['honesty', 'causality'],
    seeds: [3],
  },
]
