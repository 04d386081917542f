import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { SeedRunner } from '../../simulation/seed-runner.ts'
import { workerScript } from '../../simulation/worker-script.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const NODE = 'server/node.ts'
const source = readFileSync(`${ROOT}${NODE}`, 'utf8')

async function failure(file: string, text: string): Promise<string> {
  const script = workerScript({ root: ROOT, changed: new Map([[file, text]]) })
  return script.then(
    () => '',
    (error: Error) => error.message,
  )
}

describe('the script of the simulator’s workers', function () {
  this.timeout(60_000)

  it('is made of the changed sources, and its stacks lead back to them', async () => {
    const line = source.split('\n').findIndex((text) => text.includes('await this.minter.recover()')) + 1
    const text = source.replace('await this.minter.recover()', "throw new Error('as planted')")
    const runner = new SeedRunner({ root: ROOT, changed: new Map([[NODE, text]]) })
    try {
      const { violations } = await runner.run(1, { faultsForMs: 1_000 })
      const { message } = violations.find(({ checker }) => checker === 'process') ?? { message: '' }
      expect(message).to.include('could not start: Error: as planted')
      expect(message).to.match(new RegExp(`server.node\\.ts:${line}:`))
    } finally {
      runner.close()
    }
  })

  it('is refused where a source does not compile, or is none of it', async () => {
    expect(await failure(NODE, 'const')).to.include(`${NODE}:1:`)
    expect(await failure('cli/main.ts', 'const a = 1')).to.include('is no part of the worker')
  })
})
