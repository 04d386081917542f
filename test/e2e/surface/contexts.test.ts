import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { withLock } from '../../../cli/bin/lock.js'
import { ContextStore } from '../../../cli/context.ts'
import { eventually } from '../../eventually.ts'
import { KvUser } from '../kv-user.ts'
import { expectFailure, MINUTE } from './surface.ts'

describe('contexts', function () {
  this.timeout(2 * MINUTE)

  let user: KvUser
  beforeEach(() => {
    user = new KvUser()
  })
  afterEach(() => user.dispose())

  it('are listed, chosen and shown', async () => {
    const store = new ContextStore(user.home)
    store.put('one', { endpoints: ['http://one:1'] })
    store.put('two', { endpoints: ['http://two:2'] })
    expect(await user.json(['context', 'use', 'one'])).to.deep.equal({
      current: 'one',
      endpoints: ['http://one:1'],
    })
    expect(await user.json(['context', 'list'])).to.deep.equal({
      contexts: [
        { name: 'one', current: true, endpoints: ['http://one:1'] },
        { name: 'two', current: false, endpoints: ['http://two:2'] },
      ],
    })
    expect(await user.json(['context', 'show'])).to.include({ context: 'one', timeoutMs: 10_000 })
  })

  it('are not changed by a name that is not there, which leaves no trace', async () => {
    expectFailure(await user.kv(['context', 'use', 'none', '--json']), 3, 'not_found', /no context "none"/)
    expect(existsSync(user.home)).to.equal(false)
  })

  it('are changed by one command at a time: neither loses what the other does', async () => {
    const store = new ContextStore(user.home)
    store.put('one', { endpoints: ['http://one:1'] })
    await mkdir(user.home, { recursive: true })
    let waiting = ''
    const use = await withLock(path.join(user.home, 'contexts.lock'), async () => {
      const running = user.start(['context', 'use', 'one'])
      running.stderr?.on('data', (chunk) => {
        waiting += chunk
      })
      await eventually('the command to wait', () => waiting.includes('waiting for it'), MINUTE)
      store.put('two', { endpoints: ['http://two:2'] })
      return { running }
    })
    expect((await use.running).exitCode).to.equal(0)
    expect([...store.all().keys(), store.current()]).to.deep.equal(['one', 'two', 'one'])
  })
})
