import type { Edit, PlantedBug } from './planted-bug.ts'

/** A holder that takes a record that is sent for `overwrite` for all there is of the key. */
const OVERWRITING_HOLDER: readonly Edit[] = [
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
]

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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
  },
  {
    name: 'read repair overwrites',
    edits: [
      {
        file: 'server/coordinator/read-repair.ts',
        find: 'holders.mend(node, key, bytes,',
        replace: "holders.store(node, key, 'overwrite', bytes,",
      },
      ...OVERWRITING_HOLDER,
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
  },
  {
    name: 'anti-entropy overwrites',
    edits: [
      {
        file: 'server/anti-entropy/mender.ts',
        find: "this.components.holder.store(key, '', bytes,",
        replace: "this.components.holder.store(key, 'overwrite', bytes,",
      },
      ...OVERWRITING_HOLDER,
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
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
    seeds: [],
  },
  {
    name: 'a wall clock is trusted whatever the peers say',
    edits: [
      {
        file: 'server/membership/clock-skew.ts',
        find: 'return this.validated && Math.abs(this.medianMs) <= this.maxSkewMs && this.jump(wallMs, monotonicMs) === 0',
        replace: 'return wallMs + monotonicMs > 0',
      },
    ],
    caughtBy: ['liveness', 'durability', 'honesty', 'causality'],
    seeds: [],
  },
  {
    name: 'a scrub finds wrong digests and leaves them as they are',
    edits: [
      {
        file: 'server/anti-entropy/slot-audit.ts',
        find: '      leaves.replace(slot, this.found, slot)\n',
        replace: '',
      },
    ],
    caughtBy: ['liveness', 'anti-entropy', 'process'],
    seeds: [],
  },
  {
    name: 'a record whose checksum fails is served',
    edits: [
      {
        file: 'server/causality/record-codec.ts',
        find: "if (!isSealed(key, bytes)) throw new CorruptRecord('a record fails its checksum')",
        replace: 'if (!isSealed(key, bytes) && bytes.length === 0) throw new CorruptRecord(key)',
      },
      {
        file: 'server/anti-entropy/slot-audit.ts',
        find: 'if (!isSealed(key, bytes)) {',
        replace: 'if (!isSealed(key, bytes) && bytes.length === 0) {',
      },
    ],
    caughtBy: ['honesty', 'durability', 'uniqueness', 'causality'],
    seeds: [],
  },
  {
    name: 'a context is taken and not heeded',
    edits: [
      {
        file: 'server/causality/write.ts',
        find: 'let past = context === undefined ? record.past : joinVectors(record.past, context.vector)',
        replace: 'let past = context === undefined ? record.past : joinVectors(record.past, record.past)',
      },
    ],
    caughtBy: ['causality'],
    seeds: [],
  },
  {
    name: 'a commit that failed is acknowledged all the same',
    edits: [
      {
        file: 'server/replica/group-commit.ts',
        find: '        this.settle(waiters, this.failure)\n',
        replace: '        this.settle(waiters, undefined)\n',
      },
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
    seeds: [],
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
    seeds: [],
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
    seeds: [],
  },
  {
    name: 'what a delete outranks comes back',
    edits: [
      {
        file: 'server/causality/write.ts',
        find: '    const top = winner(record)\n    return top',
        replace: `    const top = winner({ ...record, siblings: record.siblings.filter((one) => isLive(one, wallMs)) })
    return top`,
      },
    ],
    caughtBy: ['causality', 'honesty'],
    seeds: [],
  },
  {
    name: 'a forwarded write is coordinated however late it comes, and a retry asks nobody first',
    edits: [
      {
        file: 'server/coordinator/write-coordinator.ts',
        find: '    if (leftMs <= 0) return reply(tooLate())\n',
        replace: '',
      },
      {
        file: 'server/coordinator/write-coordinator.ts',
        find: 'const timeoutMs = Math.min(request.timeoutMs, leftMs)',
        replace: 'const timeoutMs = Math.max(request.timeoutMs, leftMs)',
      },
      {
        file: 'server/coordinator/write-coordinator.ts',
        find: 'if (request.attempt === 0) return this.write(request, reply)',
        replace: 'if (request.attempt >= 0) return this.write(request, reply)',
      },
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
    seeds: [],
  },
  {
    name: 'a hint takes the place of the one that is there',
    edits: [
      {
        file: 'server/handoff/holder.ts',
        find: "import { mergeRecords } from '../causality/merge.ts'",
        replace: `import { mergeRecords } from '../causality/merge.ts'
import { decodeRecord } from '../causality/record-codec.ts'`,
      },
      {
        file: 'server/handoff/holder.ts',
        find: '    replica.store(hintFor',
        replace: `    if (hintFor !== '') {
      const done_ = (error: unknown) => (error ? done(error as never) : done(undefined, { outrankedBy: undefined }))
      return hints.records(hintFor).stage(key, decodeRecord(key, Buffer.from(bytes)), done_)
    }
    replica.store(hintFor`,
      },
    ],
    caughtBy: ['durability', 'honesty', 'causality'],
    seeds: [],
  },
  {
    name: 'tombstones are collected whether or not the owners hold the same',
    edits: [
      {
        file: 'server/replica/collector.ts',
        find: 'return slots.filter((slot) => new Set(held.get(slot)).size === 1)',
        replace: 'return slots.filter((slot) => new Set(held.get(slot)).size >= 1)',
      },
    ],
    caughtBy: ['causality', 'honesty', 'durability'],
    seeds: [],
  },
]
