import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { openDataDirectory } from '../../server/adapters/data-directory.ts'

const WRITER = fileURLToPath(new URL('leveldb-writer.ts', import.meta.url))

/** Lets a writer commit from number `first` on, and kills it once it has reported `count` commits. */
async function writeAndKill(path: string, first: number, count: number): Promise<number[]> {
  const writer = spawn(process.execPath, ['--import', 'tsx', WRITER, path, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(writer, 'exit')
  const reported: number[] = []
  for await (const line of createInterface({ input: writer.stdout })) {
    reported.push(Number(line))
    if (reported.length === count) writer.kill('SIGKILL')
  }
  const [, signal] = await exit
  expect(signal).to.equal('SIGKILL')
  return reported
}

describe('LevelStorage under kill -9', () => {
  let path: string

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'kvring-'))
  })

  afterEach(() => rm(path, { recursive: true, force: true }))

  it('has every commit that had resolved, and every batch wholly or not at all', async () => {
    const reported: number[] = []
    let incarnation: string | undefined
    for (const [round, count] of [150, 400, 30].entries()) {
      reported.push(...(await writeAndKill(path, round * 1_000_000, count)))
      const data = await openDataDirectory({ path, cluster: 'test', id: 'n1' })
      incarnation ??= data.incarnation
      expect(data.clean, 'a killed node has not closed its directory').to.equal(false)
      expect(data.incarnation).to.equal(incarnation)
      for (const n of reported) {
        for (let i = 0; i < 10; i++) {
          expect(data.storage.get(Buffer.from(`${n}:${i}`)), `${n}:${i}`).to.not.equal(undefined)
        }
      }
      const last = Math.max(...reported)
      for (let n = last + 1; n <= last + 2; n++) {
        const found = Array.from(
          { length: 10 },
          (_, i) => data.storage.get(Buffer.from(`${n}:${i}`)) !== undefined,
        )
        expect(new Set(found).size, `batch ${n}`).to.equal(1)
      }
      await data.close()
    }
  })
})
