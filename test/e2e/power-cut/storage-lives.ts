import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { openDataDirectory } from '../../../server/adapters/data-directory.ts'
import { hideCopying } from '../disk-images.ts'
import { Disk } from './disk.ts'
import { Journal, type JournalRecord } from './journal.ts'
import type { NewNames } from './names.ts'
import { buildShim, tracing } from './shim.ts'
import { ALL, type Survival } from './survival.ts'
import { readTree, type Tree, writeTree } from './tree.ts'

const WRITER = path.join(import.meta.dirname, 'storage-writer.ts')
const DATA = 'disks/n1'
const NOTES = 'notes'

/** Images of one disk are looked at side by side: much of the time goes into waiting for fsync. */
const AT_ONCE = 8

/** One process on the data directory: how many batches it commits, and how it ends. */
export interface Life {
  readonly batches: number
  readonly valueBytes: number
  readonly ending: 'close' | 'kill'
  readonly durability?: 'sync' | 'async'
}

/** What the processes knew at some moment. */
interface Noted {
  /** Once the directory had been opened for the first time. */
  incarnation?: string
  /** The highest batch whose commit had resolved. */
  done: number
}

export interface CutSettings {
  readonly newNames?: NewNames
  /** Whether the power is cut after the record. */
  readonly where: (record: JournalRecord, index: number) => boolean
  readonly how: (index: number) => readonly Survival[]
}

export interface CutOutcome {
  readonly cuts: number
  /** What was wrong, and where. */
  readonly wrong: readonly string[]
}

/** Processes that one after the other commit to one data directory, and write down all that they do to it. */
export class StorageLives {
  private readonly directory = mkdtempSync(path.join(memoryDirectory(), 'kvring-cut-'))
  private readonly root = path.join(this.directory, 'root')
  private readonly journal: Journal
  private readonly shim: string
  private batches = 0

  constructor() {
    mkdirSync(this.root)
    this.journal = new Journal(path.join(this.directory, 'journal'))
    this.shim = buildShim(this.directory)
  }

  async live({ batches, valueBytes, ending, durability = 'sync' }: Life): Promise<void> {
    const [first, last] = [this.batches + 1, this.batches + batches]
    this.batches = last
    const paths = [path.join(this.root, DATA), path.join(this.root, NOTES)]
    const argv = [...paths, durability, `${first}`, `${last}`, `${valueBytes}`, ending]
    const { exitCode, signal, stderr } = await execa(process.execPath, ['--import', 'tsx', WRITER, ...argv], {
      env: tracing(this.shim, this.root, this.journal),
      reject: false,
    })
    const expected = ending === 'kill' ? signal === 'SIGKILL' : exitCode === 0
    if (!expected) throw new Error(`the writer ended with ${signal ?? exitCode}: ${stderr}`)
  }

  records(): JournalRecord[] {
    return this.journal.read()
  }

  /** The files that are not in the end as the journal has them. */
  unrecorded(): string[] {
    const disk = new Disk(new Map())
    for (const record of this.records()) disk.apply(record)
    const [actual, recorded] = [readTree(this.root), disk.cut(ALL)]
    const same = (name: string) => {
      const [a, b] = [actual.get(name), recorded.get(name)]
      return a === undefined || b === undefined ? a === b : a.equals(b)
    }
    return [...new Set([...actual.keys(), ...recorded.keys()])].filter((name) => !same(name))
  }

  /** Cuts the power at many moments, and looks each time whether the directory opens, and what is in it. */
  async cut({ newNames, where, how }: CutSettings): Promise<CutOutcome> {
    const disk = new Disk(new Map(), newNames)
    const notes = new Set<number>()
    const noted: Noted = { done: 0 }
    const wrong: string[] = []
    let cuts = 0
    const looking: Promise<void>[] = []
    for (const [index, record] of this.records().entries()) {
      disk.apply(record)
      if (record.type === 'open' && record.path === NOTES) notes.add(record.at)
      if (record.type === 'write' && notes.has(record.opened)) note(noted, record.data.toString())
      if (!where(record, index)) continue
      const known = { ...noted }
      for (const survival of how(index)) {
        const image = path.join(this.directory, `image-${cuts++}`)
        const look = this.judge(image, disk.cut(survival), known).then((verdict) => {
          if (verdict !== undefined)
            wrong.push(`record ${index} (${record.type}), ${survival.name}: ${verdict}`)
        })
        looking.push(look)
        if (looking.length === AT_ONCE) await Promise.all(looking.splice(0))
      }
    }
    await Promise.all(looking)
    return { cuts, wrong }
  }

  dispose(): void {
    this.journal.close()
    rmSync(this.directory, { recursive: true, force: true })
  }

  private async judge(image: string, tree: Tree, noted: Noted): Promise<string | undefined> {
    writeTree(image, tree)
    const directory = path.join(image, DATA)
    try {
      // A disk that lost its power is the same disk; this one was copied.
      await hideCopying(directory).catch(() => undefined)
      const data = await openDataDirectory({ path: directory, cluster: 'test', id: 'n1' })
      try {
        if (noted.incarnation !== undefined && data.incarnation !== noted.incarnation)
          return 'it has another incarnation'
        return this.judgeBatches((key) => data.storage.get(Buffer.from(key)) !== undefined, noted)
      } finally {
        await data.close()
      }
    } catch (thrown) {
      return (thrown as Error).message
    } finally {
      rmSync(image, { recursive: true, force: true })
    }
  }

  /** Every batch is there wholly or not at all, none without those before it, and all that had resolved. */
  private judgeBatches(has: (key: string) => boolean, { done }: Noted): string | undefined {
    let missing: number | undefined
    for (let batch = 1; batch <= this.batches; batch++) {
      const found = [0, 1, 2, 3].filter((i) => has(`${batch}:${i}`)).length
      if (found !== 0 && found !== 4) return `of batch ${batch} there are ${found} of 4 keys`
      if (found === 0) missing ??= batch
      else if (missing !== undefined) return `batch ${batch} is there, and batch ${missing} is not`
    }
    if (missing !== undefined && missing <= done)
      return `batch ${missing} is lost, and ${done} were committed`
    return undefined
  }
}

/** Where an fsync costs nothing, if there is such a place: what the disk itself does is not in question here. */
function memoryDirectory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}

function note(noted: Noted, lines: string): void {
  for (const line of lines.trimEnd().split('\n')) {
    const [what, value = ''] = line.split(' ')
    if (what === 'opened') noted.incarnation = value
    else noted.done = Math.max(noted.done, Number(value))
  }
}
