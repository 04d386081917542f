import type { PlantedBug } from './planted-bug.ts'

/** What goes wrong with hints. */
export const HINT_BUGS: readonly PlantedBug[] = [
  {
    name: 'hints are kept in memory only',
    edits: [
      {
        file: 'server/handoff/hint-store.ts',
        find: 'const records = new StagedRecords({ storage, commit, onStage, onCorrupt },',
        replace: `const memory = new Map<string, Buffer>()
    const name = (address: Buffer) => address.toString('latin1')
    const forgetful = {
      get: (address: Buffer) => memory.get(name(address)),
      add: (op: { key: Buffer; value: Buffer; type: string }, done: () => void) => {
        if (op.type === 'put') memory.set(name(op.key), op.value)
        else memory.delete(name(op.key))
        void Promise.resolve().then(() => done())
      },
    } as never
    const records = new StagedRecords({ storage: forgetful, commit: forgetful, onStage, onCorrupt },`,
      },
    ],
    caughtBy: ['durability', 'honesty'],
    seeds: [18],
  },
  {
    name: 'a hint is deleted when it is sent',
    edits: [
      {
        file: 'server/handoff/hint-replay.ts',
        find: '    underWay.add(key)\n',
        replace: '    underWay.add(key)\n    hints.delivered(target, key, bytes)\n',
      },
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
    seeds: [116],
  },
  {
    name: 'a hint that is too old is given up, whoever else has what is in it',
    edits: [
      {
        file: 'server/handoff/hint-expiry.ts',
        find: '    if (others.some((owner) => owner !== id && !ring.reachable(owner))) return\n',
        replace: '    if (hints.encoded(target, key) !== undefined) return hints.remove(target, key)\n',
      },
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
    seeds: [91],
  },
  {
    name: 'a hint is deleted whether or not its owner has taken it',
    edits: [
      {
        file: 'server/handoff/hint-replay.ts',
        find: '      } else this.resting.add(target)',
        replace: `      } else {
        hints.delivered(target, key, bytes)
        this.resting.add(target)
      }`,
      },
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
    seeds: [116],
  },
]
