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
    const done_ = (error: unknown) => (error ? done(error as never) : done(undefined, { outrankedBy: undefined, complete: true }))
    return data.stage(key, decodeRecord(key, Buffer.from(bytes)), done_)
  }
  const refusal = hintFor === ''`,
  },
]

/** What goes wrong where copies are compared and mended. */
export const REPAIR_BUGS: readonly PlantedBug[] = [
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
    seeds: [31],
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
    seeds: [1],
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
    seeds: [1],
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
    seeds: [1],
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
    seeds: [6],
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
    seeds: [1],
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
    seeds: [16],
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
    seeds: [1],
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
    seeds: [16],
  },
]
