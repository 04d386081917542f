import { existsSync, readFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import path from 'node:path'
import { KvError } from '../../shared/errors.ts'
import { IntervalSet } from './intervals.ts'

/** What tells one source from another: its size where it is known, and a hash of its beginning. */
export interface SourceMark {
  readonly size: number | null
  readonly head: string
}

/** What an import must have in common with the one that it resumes. */
export interface ImportMark {
  readonly source: SourceMark
  /** The options that decide which keys and values come from the source. */
  readonly options: Readonly<Record<string, unknown>>
}

/**
 * How far an import has come: which records (by their number in the source, from 1) are known to be written.
 * Not a single position, since records are acknowledged out of order and a gap would be lost.
 */
export interface CheckpointContent extends ImportMark {
  readonly version: 1
  /** Makes the request ids, so that a record sent again is applied at most once. */
  readonly importId: string
  /** How often the import has been resumed. */
  readonly resumed: number
  readonly acknowledged: readonly (readonly [number, number])[]
  /** Records after this one have certainly never been sent. */
  readonly reserved: number
  readonly complete: boolean
}

export interface Progress {
  readonly importId: string
  readonly resumed: number
  readonly acknowledged: IntervalSet
  readonly reserved: number
}

/**
 * The progress to go on from; that of a new import where there is nothing to resume.
 * @throws KvError `usage` where the file is there but was not to be resumed, is damaged, or is of another import.
 */
export function openCheckpoint(
  file: string | undefined,
  resume: boolean,
  mark: ImportMark,
  importId: string,
): Progress {
  const fresh: Progress = { importId, resumed: 0, acknowledged: new IntervalSet(), reserved: 0 }
  if (file === undefined || !existsSync(file)) return fresh
  const content = parse(file)
  if (!resume) {
    if (content.complete) return fresh
    throw new KvError(
      'usage',
      `${file} is the checkpoint of an unfinished import`,
      'go on with --resume, or delete it',
    )
  }
  if (JSON.stringify(content.source) !== JSON.stringify(mark.source)) {
    throw new KvError(
      'usage',
      `${file} is the checkpoint of another source`,
      'give the same source, or delete the checkpoint',
    )
  }
  if (JSON.stringify(content.options) !== JSON.stringify(mark.options)) {
    throw new KvError(
      'usage',
      `${file} was made with other options`,
      `they were ${JSON.stringify(content.options)}`,
    )
  }
  return {
    importId: content.importId,
    resumed: content.resumed + 1,
    acknowledged: new IntervalSet(content.acknowledged),
    reserved: content.reserved,
  }
}

/** Replaces the file as a whole: after a crash it holds what it held before, or this. */
export async function saveCheckpoint(file: string, content: CheckpointContent): Promise<void> {
  const draft = `${file}.new`
  const handle = await open(draft, 'w')
  try {
    await handle.writeFile(`${JSON.stringify(content)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
  const directory = await open(path.dirname(path.resolve(file)), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function parse(file: string): CheckpointContent {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as CheckpointContent
    if (
      content.version === 1 &&
      typeof content.importId === 'string' &&
      Number.isSafeInteger(content.reserved)
    ) {
      new IntervalSet(content.acknowledged)
      return content
    }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== undefined) throw thrown
  }
  throw new KvError('usage', `${file} is not a checkpoint, or is damaged`, 'delete it to start again')
}
