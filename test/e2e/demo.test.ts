import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { makeOrders } from '../../cli/demo/orders.ts'
import { httpOf, RingStateFile } from '../../cli/local-ring/ring-state.ts'
import type { ErrorBody } from '../../shared/errors.ts'
import { eventually } from '../eventually.ts'
import { ended, KvUser } from './kv-user.ts'

const MINUTE = 60_000

describe('kv demo', function () {
  this.timeout(4 * MINUTE)

  const user = new KvUser()
  after(() => user.dispose())

  it('says so, with exit code 10, where an acknowledged write is missing at the end, and leaves nothing behind', async () => {
    const temporary = user.file('tmp')
    mkdirSync(temporary)
    const run = user.start(['demo', '--json'], { env: { TMPDIR: temporary }, timeout: 3 * MINUTE })
    const [directory] = await names(temporary)
    const state = new RingStateFile(path.join(temporary, directory as string))
    const ask = async (method: 'HEAD' | 'DELETE', number: number): Promise<boolean> => {
      const [order] = makeOrders(number, 1)
      const node = state.read()?.nodes[0]
      if (!node || !order) return false
      const answer = fetch(`${httpOf(node)}/kv/${encodeURIComponent(order.key)}`, { method })
      return (await answer.catch(() => undefined))?.ok === true
    }
    // By the time of the later one the first has long been acknowledged.
    await eventually('two orders', async () => (await ask('HEAD', 2_000)) && ask('HEAD', 1), MINUTE)
    expect(await ask('DELETE', 1)).to.equal(true)
    const { code, json } = ended(await run)
    expect(code).to.equal(10)
    expect(json<ErrorBody>().error).to.include({ code: 'invariant', definite: false })
    expect(json<ErrorBody>().error.message).to.match(/^1 of 7,000 acknowledged orders are missing/)
    expect(readdirSync(temporary)).to.deep.equal([])
  })

  async function names(directory: string): Promise<string[]> {
    await eventually('the directory of the demo', () => readdirSync(directory).length > 0, MINUTE)
    return readdirSync(directory)
  }
})
