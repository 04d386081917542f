import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type DataDirectory, openDataDirectory } from '../../../server/adapters/data-directory.ts'
import { KvError } from '../../../shared/errors.ts'

/** The data directory of one node, n1 of the cluster prod, and all that is opened around it. */
export class NodeDirectory {
  /** Where tests may put other things. */
  readonly root: string
  /** The data directory: made by the first opening. */
  readonly path: string
  private readonly opened = new Set<DataDirectory>()

  private constructor(root: string) {
    this.root = root
    this.path = join(root, 'n1')
  }

  static async make(): Promise<NodeDirectory> {
    return new NodeDirectory(await mkdtemp(join(tmpdir(), 'kvring-')))
  }

  async dispose(): Promise<void> {
    for (const data of this.opened) await data.close()
    await rm(this.root, { recursive: true, force: true })
  }

  async open(path = this.path, id = 'n1', cluster = 'prod'): Promise<DataDirectory> {
    const data = await openDataDirectory({ path, cluster, id })
    this.opened.add(data)
    return data
  }

  async close(data: DataDirectory): Promise<void> {
    this.opened.delete(data)
    await data.close()
  }

  /** Opens, commits `count` values of 1 KiB under `key 0` and so on, and closes. */
  async fill(count: number): Promise<DataDirectory> {
    const data = await this.open()
    for (let i = 0; i < count; i += 50) {
      await data.storage.commit(
        Array.from({ length: 50 }, (_, j) => ({
          type: 'put',
          key: Buffer.from(`key ${i + j}`),
          value: Buffer.alloc(1024, i + j),
        })),
      )
    }
    await this.close(data)
    return data
  }

  /** Opens, and leaves behind what a power cut does. */
  async cutPower(): Promise<void> {
    const data = await this.open()
    this.opened.delete(data)
    await data.storage.close()
    await unlink(join(this.path, 'lock'))
  }

  /** The newest file of the database with this ending. */
  async newest(ending: string): Promise<string> {
    const names = (await readdir(join(this.path, 'db'))).filter((name) => name.endsWith(ending)).sort()
    return join(this.path, 'db', names.at(-1)!)
  }
}

/** The error with which the opening was refused; it says what to do. */
export async function refusal(opening: Promise<DataDirectory>): Promise<KvError> {
  const outcome = await opening.then(
    () => undefined,
    (thrown) => thrown,
  )
  expect(outcome).to.be.instanceOf(KvError)
  expect(outcome.hint).to.not.equal('')
  return outcome
}

export async function flipBit(file: string, at: number): Promise<void> {
  const bytes = await readFile(file)
  bytes[at]! ^= 1
  await writeFile(file, bytes)
}
