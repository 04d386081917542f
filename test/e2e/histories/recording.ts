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

/** What the processes of all nodes have sent to their databases, written down by each of them as it went. */
export class Recording {
  private readonly directory: string
  /** Of each node, a file for each of its processes, in the order of their lives; undefined stands for another disk. */
  private readonly files = new Map<string, (string | undefined)[]>()

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true })
    this.directory = directory
  }

  /** The environment of the node's next process. */
  next(id: string): NodeJS.ProcessEnv {
    const files = this.of(id)
    const file = path.join(this.directory, `${id}-${files.length}.ndjson`)
    files.push(file)
    return { NODE_OPTIONS: `--import=${RECORDER}`, RECORDING_FILE: file }
  }

  /** What the node's disk held is gone. */
  newDisk(id: string): void {
    this.of(id).push(undefined)
  }

  /** Tells the observations all that went to any disk. @returns how many batches that were. */
  tell(observations: Observations): number {
    let batches = 0
    for (const files of this.files.values()) {
      let content = new Map<string, Buffer>()
      const held = (key: Key): KeyRecord | undefined => {
        const bytes = content.get(dataAddress(key).toString('base64'))
        return bytes === undefined ? undefined : decodeRecord(key, bytes)
      }
      const watcher = new DiskWatcher({ observations, held })
      for (const file of files) {
        if (file === undefined) {
          content = new Map()
          continue
        }
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
      }
    }
    return batches
  }

  private of(id: string): (string | undefined)[] {
    const files = this.files.get(id) ?? []
    this.files.set(id, files)
    return files
  }
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
