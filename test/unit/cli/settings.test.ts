import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { ContextStore } from '../../../cli/context.ts'
import { resolveSettings } from '../../../cli/settings.ts'
import { KvError } from '../../../shared/errors.ts'

describe('the settings of a command', () => {
  let home: string
  let project: string
  let env: NodeJS.ProcessEnv

  beforeEach(() => {
    const directory = mkdtempSync(path.join(tmpdir(), 'kvring-settings-'))
    home = path.join(directory, 'home')
    project = path.join(directory, 'project', 'deep')
    mkdirSync(home)
    mkdirSync(project, { recursive: true })
    env = { KV_HOME: home }
  })

  afterEach(() => rmSync(path.dirname(home), { recursive: true }))

  it('come from the flag, the environment, the project, the user and the default, in this order', async () => {
    const endpoint = async (flags = {}): Promise<readonly string[]> =>
      (await resolveSettings(flags, env, project)).endpoints
    expect(await endpoint()).to.deep.equal(['http://127.0.0.1:7071'])
    new ContextStore(home).put('local', { endpoints: ['http://context:1'] })
    expect(await endpoint()).to.deep.equal(['http://context:1'])
    writeFileSync(path.join(home, 'config.yaml'), 'endpoints: [http://user:1]\ntimeout: 3s\n')
    expect(await endpoint()).to.deep.equal(['http://user:1'])
    writeFileSync(path.join(project, '..', 'kvring.json'), '{"endpoint":"http://project:1"}')
    expect(await endpoint()).to.deep.equal(['http://project:1'])
    env.KV_ENDPOINT = 'http://one:1, two:2'
    expect(await endpoint()).to.deep.equal(['http://one:1', 'http://two:2'])
    expect(await endpoint({ context: 'local' })).to.deep.equal(['http://context:1'])
    expect(await endpoint({ endpoint: ['http://flag:1'] })).to.deep.equal(['http://flag:1'])
    expect((await resolveSettings({}, env, project)).timeoutMs).to.equal(3_000)
  })

  const bad: [string, () => void, string][] = [
    ['a damaged file of the project', () => writeFileSync(path.join(project, 'kvring.json'), '{'), 'usage'],
    ['a file that is no object', () => writeFileSync(path.join(project, 'kvring.json'), '[]'), 'usage'],
    [
      'a damaged file of contexts',
      () => writeFileSync(path.join(home, 'contexts.json'), '{"contexts":{"a":1}}'),
      'usage',
    ],
    [
      'an unknown context',
      () => {
        env.KV_CONTEXT = 'none'
      },
      'not_found',
    ],
    [
      'an endpoint that is no URL',
      () => {
        env.KV_ENDPOINT = 'ftp://x'
      },
      'usage',
    ],
    [
      'an endpoint with a password',
      () => {
        env.KV_ENDPOINT = 'http://a:secret@x'
      },
      'usage',
    ],
    [
      'a timeout that is none',
      () => {
        env.KV_TIMEOUT = 'soon'
      },
      'usage',
    ],
  ]
  for (const [what, make, code] of bad) {
    it(`are refused for ${what}`, async () => {
      make()
      const thrown = await resolveSettings({}, env, project).catch((error: unknown) => error)
      expect(thrown).to.be.instanceOf(KvError).with.property('code', code)
      expect((thrown as KvError).message).not.to.contain('secret')
    })
  }

  it('a context can be removed and another chosen', () => {
    const store = new ContextStore(home)
    store.put('a', { endpoints: ['http://a:1'] })
    store.put('b', { endpoints: ['http://b:1'] })
    expect(store.current()).to.equal('b')
    store.use('a')
    store.remove('a')
    expect(store.current()).to.equal(undefined)
    expect([...store.all().keys()]).to.deep.equal(['b'])
    expect(() => store.use('a')).to.throw(KvError)
  })
})
