import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { KeyRecord } from '../../../server/causality/record.ts'
import { decodeRecord } from '../../../server/causality/record-codec.ts'
import { dataAddress } from '../../../server/replica/data-address.ts'
import type { Key } from '../../../shared/key.ts'
import { DiskWatcher } from '../../simulation/disk-watcher.ts'
import type { Observations } from '../../simulation/observations.ts'

const RECORDER = pathToFileURL(path.join(import.meta.dirname, 'recorder.js')).href

type Operation = readonly [address: string, value: string | null]

/** What one process has sent to its database, or the moment that the disk was put back to. */
type Chapter = { readonly file: string } | { readonly backTo: number }

type Content = ReadonlyMap<string, Buffer>

/** What the processes of all nodes have sent to their databases, written down by each of them as it went. */
export class Recording {
  private readonly directory: string
  private readonly chapters = new Map<string, Chapter[]>()

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true })
    this.directory = directory
  }

  /** The environment of the node's next process. */
  next(id: string): NodeJS.ProcessEnv {
    const file = path.join(this.directory, `${id}-${this.momentOf(id)}.ndjson`)
    this.of(id).push({ file })
    return { NODE_OPTIONS: `--import=${RECORDER}`, RECORDING_FILE: file }
  }

  /** Of the node's disk as it is now, between two processes: 0 is an empty one. */
  momentOf(id: string): number {
    return this.of(id).length
  }

  /** The node's disk holds what it held at that moment. */
  diskBackTo(id: string, moment: number): void {
    this.of(id).push({ backTo: moment })
  }

  /** Tells the observations all that went to any disk. @returns how many batches that were. */
  tell(observations: Observations): number {
    let batches = 0
    for (const chapters of this.chapters.values()) {
      /** By moment. */
      const contents: Content[] = [new Map()]
      let content = new Map<string, Buffer>()
      const held = (key: Key): KeyRecord | undefined => {
        const bytes = content.get(dataAddress(key).toString('base64'))
        return bytes === undefined ? undefined : decodeRecord(key, bytes)
      }
      const watcher = new DiskWatcher({ observations, held })
      for (const chapter of chapters) {
        if ('backTo' in chapter) content = new Map(contents[chapter.backTo])
        else batches += replay(chapter.file, content, watcher)
        contents.push(new Map(content))
      }
    }
    return batches
  }

  private of(id: string): Chapter[] {
    const chapters = this.chapters.get(id) ?? []
    this.chapters.set(id, chapters)
    return chapters
  }
}

/** Changes the content as the process did. @returns how many batches it has sent. */
function replay(file: string, content: Map<string, Buffer>, watcher: DiskWatcher): number {
  let batches = 0
  for (const operations of batchesOf(file)) {
    batches++
    for (const [address, value] of operations) {
      const key = Buffer.from(address, 'base64')
      const bytes = value === null ? undefined : Buffer.from(value, 'base64')
      watcher.see(bytes === undefined ? { type: 'del', key } : { type: 'put', key, value: bytes })
      if (bytes === undefined) content.delete(address)
      else content.set(address, bytes)
    }
  }
  return batches
}

/** Whole lines: the last may have been cut off with its process, before its batch went on. */
function* batchesOf(file: string): Iterable<readonly Operation[]> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    // The process had not come so far.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    if (line !== '') yield JSON.parse(line) as Operation[]
  }
}
