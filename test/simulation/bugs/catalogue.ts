import type { PlantedBug } from './planted-bug.ts'

/** Each of them has cost some store data, or its users the truth. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
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
  },
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
  },
  {
    name: 'a write is acknowledged after w - 1 acks',
    edits: [
      {
        file: 'server/coordinator/put-core.ts',
        find: `    return this.strict ? this.owners.length : this.holders.length
  }

  get enough(): boolean {
    return this.acks >= this.w`,
        replace: `    return Math.max(this.w, this.strict ? this.owners.length : this.holders.length)
  }

  get enough(): boolean {
    return (this.strict ? this.owners.length : this.holders.length) >= this.w - 1`,
      },
    ],
    caughtBy: ['honesty', 'causality', 'durability'],
  },
  {
    name: 'read repair overwrites',
    edits: [
      {
        file: 'server/coordinator/read-repair.ts',
        find: 'holders.mend(node, key, bytes,',
        replace: "holders.store(node, key, 'overwrite', bytes,",
      },
      {
        file: 'server/handoff/holder.ts',
        find: "import { mergeRecords } from '../causality/merge.ts'",
        replace: `import { mergeRecords } from '../causality/merge.ts'
import { decodeRecord } from '../causality/record-codec.ts'`,
      },
      {
        file: 'server/handoff/holder.ts',
        find: "    const refusal = hintFor === ''",
        replace: `    if (hintFor === 'overwrite') {
      const done_ = (error: unknown) => (error ? done(error as never) : done(undefined, { outrankedBy: undefined }))
      return data.stage(key, decodeRecord(key, Buffer.from(bytes)), done_)
    }
    const refusal = hintFor === ''`,
      },
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
  },
  {
    name: 'version vectors without dots: a counter stands for the values of all earlier ones',
    edits: [
      {
        file: 'server/causality/write.ts',
        find: `  let past = context === undefined ? record.past : joinVectors(record.past, context.vector)
`,
        replace: `  let past = context === undefined ? record.past : joinVectors(record.past, context.vector)
  for (const sibling of record.siblings) if (sibling.dot.actor === dot.actor) past = foldDot(past, sibling.dot)
`,
      },
    ],
    caughtBy: ['durability', 'honesty'],
  },
  {
    name: 'dots begin again on a wiped disk',
    edits: [
      {
        file: 'server/replica/minter.ts',
        find: `\${this.settings.id}.\${this.life}`,
        replace: `\${this.settings.id}.x`,
      },
    ],
    caughtBy: ['uniqueness'],
  },
  {
    name: 'runs of a process share their dots, which are not reserved ahead of their use',
    edits: [
      {
        file: 'server/replica/minter.ts',
        find: 'value: reservation({ counter, wallMs }) }])\n    this.ceiling',
        replace: 'value: reservation({ counter: this.next, wallMs }) }])\n    this.ceiling',
      },
      {
        file: 'server/replica/minter.ts',
        find: 'reservation({ counter, wallMs: ahead })',
        replace: 'reservation({ counter: this.next, wallMs: ahead })',
      },
      {
        file: 'server/replica/minter.ts',
        find: `\${this.settings.id}.\${this.life}`,
        replace: `\${this.settings.id}.x`,
      },
    ],
    caughtBy: ['uniqueness'],
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
  },
  {
    name: 'digests are written with the batch after that of their data',
    edits: [
      {
        file: 'server/anti-entropy/repair.ts',
        find: 'commit.ride(() => this.journal.ops())',
        replace: `let late = this.journal.ops()
    commit.ride(() => {
      const due = late
      late = this.journal.ops()
      return due
    })`,
      },
    ],
    caughtBy: ['digests'],
  },
  {
    name: 'the digest of a record that is replaced stays',
    edits: [
      {
        file: 'server/anti-entropy/slot-digests.ts',
        find: 'if (before !== undefined) this.leaves.subtract(slot, before)',
        replace: '',
      },
    ],
    caughtBy: ['digests', 'liveness'],
  },
  {
    name: 'a page of digests hides the changes that follow it',
    edits: [
      {
        file: 'server/anti-entropy/leaf-journal.ts',
        find: 'const newer = sequence > (pages[page] as number)',
        replace: 'const newer = (pages[page] as number) === 0',
      },
    ],
    caughtBy: ['digests'],
  },
  {
    name: 'anti-entropy overwrites',
    edits: [
      {
        file: 'server/anti-entropy/mender.ts',
        find: "this.components.holder.store(key, '', bytes,",
        replace: "this.components.holder.store(key, 'overwrite', bytes,",
      },
      {
        file: 'server/handoff/holder.ts',
        find: "import { mergeRecords } from '../causality/merge.ts'",
        replace: `import { mergeRecords } from '../causality/merge.ts'
import { decodeRecord } from '../causality/record-codec.ts'`,
      },
      {
        file: 'server/handoff/holder.ts',
        find: "    const refusal = hintFor === ''",
        replace: `    if (hintFor === 'overwrite') {
      const done_ = (error: unknown) => (error ? done(error as never) : done(undefined, { outrankedBy: undefined }))
      return data.stage(key, decodeRecord(key, Buffer.from(bytes)), done_)
    }
    const refusal = hintFor === ''`,
      },
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
  },
  {
    name: 'anti-entropy looks for keys that are missing, not for records that differ',
    edits: [
      {
        file: 'server/anti-entropy/key-differences.ts',
        find: '(x.lo !== y.lo || x.hi !== y.hi)',
        replace: 'x.key !== y.key',
      },
    ],
    caughtBy: ['liveness'],
  },
  {
    name: 'a scrub counts what it has read of a record that was written meanwhile',
    edits: [
      {
        file: 'server/anti-entropy/slot-audit.ts',
        find: 'else if (!this.written.has(key)) this.found.add',
        replace: 'else this.found.add',
      },
    ],
    caughtBy: ['digests', 'liveness'],
  },
  {
    name: 'a context does not tell whose values it saw',
    edits: [
      {
        file: 'server/causality/context.ts',
        find: "if (sibling.request !== '' && mayComeAgain)",
        replace: "if (sibling.request === '' && mayComeAgain)",
      },
    ],
    caughtBy: ['causality'],
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
  },
]
