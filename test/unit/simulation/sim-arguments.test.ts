import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

function sim(...argv: string[]): Promise<{ code: unknown; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', 'test/simulation/sim.ts', ...argv],
      { cwd: ROOT },
      (error, out, err) => resolve({ code: error === null ? 0 : error.code, out, err }),
    )
  })
}

const all = (argvs: readonly string[][]) => Promise.all(argvs.map((argv) => sim(...argv)))

describe('the arguments of the simulator', function () {
  this.timeout(60_000)

  it('are refused, before anything is run, where they are no seeds', async () => {
    const bad = ['x', '1.5', '', '1e3', '0x10', '99999999999999999999']
    for (const [i, { code, out, err }] of (await all(bad.map((seed) => ['--seed', seed]))).entries()) {
      expect([code, out], bad[i]).to.deep.equal([2, ''])
      expect(err.split('\n')[0]).to.equal(`--seed takes a whole number from 0, not ${bad[i]}`)
      expect(err).to.contain('npm run sim -- --seed 17')
    }
  })

  it('are refused where they are nothing that it knows', async () => {
    const bad = [['--seeds', '0'], ['--sed', '1'], ['--seed'], ['17'], ['--seed=-1'], []]
    const runs = await all(bad)
    expect(runs.map(({ code, out }) => [code, out])).to.deep.equal(bad.map(() => [2, '']))
    expect(runs[0]?.err).to.match(/^--seeds takes a whole number from 1, not 0/)
  })
})
