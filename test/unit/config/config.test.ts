import { expect } from 'chai'
import { SETTINGS } from '../../../shared/config.ts'
import { parseConfigFile } from '../../../shared/config-file.ts'
import { type ConfigSources, type ResolvedConfig, resolveConfig } from '../../../shared/config-resolve.ts'
import type { KvError } from '../../../shared/errors.ts'
import { flagOf, variableOf } from '../../../shared/setting.ts'

const machine = { hostName: 'box', home: '/home/me/.kvring', address: '10.0.0.5' }

function resolve(given: {
  flags?: Record<string, string>
  env?: ConfigSources['env']
  file?: ConfigSources['file']
}): ResolvedConfig {
  const { flags = {}, env = {}, file = new Map() } = given
  return resolveConfig({ flags: new Map(Object.entries(flags)), env, file, machine })
}

function refusal(run: () => unknown): KvError {
  try {
    run()
  } catch (error) {
    return error as KvError
  }
  throw new Error('nothing was refused')
}

const SECRET = { KV_CLUSTER_SECRET: 'correct horse' }

describe('configuration', () => {
  it('alone: a ring of one on loopback', () => {
    const { config, secret } = resolve({})
    expect(secret).to.deep.equal({ from: 'none' })
    expect(config).to.include({
      id: 'box',
      host: '127.0.0.1',
      bootstrapExpect: 1,
      n: 1,
      r: 1,
      w: 1,
      chaos: false,
    })
    expect(config.data).to.equal('/home/me/.kvring/nodes/box')
  })

  it('with a secret: founds no ring unless told', () => {
    const { config } = resolve({ env: SECRET })
    expect(config).to.include({ bootstrapExpect: 0, n: 3, r: 2, w: 2 })
  })

  it('takes a flag before the environment, and that before the file', () => {
    const file = new Map([
      ['httpPort', 1],
      ['peerPort', 2],
      ['weight', 3],
    ])
    const env = { KV_HTTP_PORT: '11', KV_PEER_PORT: '12' }
    const { config } = resolve({ flags: { 'http-port': '111' }, env, file })
    expect(config).to.include({ httpPort: 111, peerPort: 12, weight: 3 })
  })

  it('takes majorities for r and w', () => {
    const { config } = resolve({ env: SECRET, flags: { 'bootstrap-expect': '5', n: '5' } })
    expect(config).to.include({ n: 5, r: 3, w: 3 })
  })

  it('advertises an address that others can reach', () => {
    expect(resolve({ env: SECRET, flags: { host: '0.0.0.0' } }).config.advertiseHost).to.equal('10.0.0.5')
  })

  it('broadcasts on loopback only to loopback', () => {
    expect(resolve({}).config.discoveryBroadcast).to.equal('127.255.255.255')
    expect(resolve({ env: SECRET, flags: { host: '10.0.0.5' } }).config.discoveryBroadcast).to.equal(
      '255.255.255.255',
    )
  })

  it('takes the secret from the flag, then the variable, then the file', () => {
    const file = new Map([['secretFile', '/c']])
    expect(resolve({ file }).secret).to.deep.equal({ from: 'file', path: '/c' })
    expect(resolve({ file, env: SECRET }).secret).to.deep.equal({ from: 'environment' })
    expect(resolve({ file, env: SECRET, flags: { 'secret-file': '/f' } }).secret).to.deep.equal({
      from: 'file',
      path: '/f',
    })
  })

  const refused: [string, Parameters<typeof resolve>[0], RegExp][] = [
    ['a public address without a secret', { flags: { host: '0.0.0.0' } }, /not loopback/],
    [
      'a name that is not loopback without a secret',
      { flags: { host: '127.0.0.1.evil.example' } },
      /not loopback/,
    ],
    ['a ring of several without a secret', { flags: { 'bootstrap-expect': '3' } }, /runs alone/],
    ['seeds without a secret', { flags: { 'discovery-seeds': '10.0.0.1:7171' } }, /runs alone/],
    ['r over n', { env: SECRET, flags: { n: '3', r: '4' } }, /r is 4/],
    ['w over n', { env: SECRET, flags: { n: '3', w: '4' } }, /w is 4/],
    [
      'more copies than founders',
      { env: SECRET, flags: { 'bootstrap-expect': '2', n: '3' } },
      /cannot keep 3 copies/,
    ],
    ['r of 0', { flags: { r: '0' } }, /--r: r must be a whole number from 1 to 16, not 0/],
    [
      'a port that is no number',
      { env: { KV_HTTP_PORT: 'http' } },
      /KV_HTTP_PORT: httpPort must be a whole number/,
    ],
    ['an id with a slash', { flags: { id: 'a/b' } }, /--id: id must be 1 to 63 letters/],
    ['an unknown choice', { flags: { durability: 'maybe' } }, /one of sync, async/],
  ]
  for (const [name, given, message] of refused) {
    it(`refuses ${name}`, () => {
      const error = refusal(() => resolve(given))
      expect(error.code).to.equal('usage')
      expect(error.message).to.match(message)
      expect(error.hint).not.to.equal('')
    })
  }

  it('has one flag, one variable and one meaning for each setting', () => {
    expect(new Set(SETTINGS.map(flagOf)).size).to.equal(SETTINGS.length)
    expect(new Set(SETTINGS.map(variableOf)).size).to.equal(SETTINGS.length)
    for (const setting of SETTINGS) {
      expect(setting.meaning).to.match(/\.$/)
      expect(setting.default === undefined).to.equal(setting.defaultFormula !== undefined, setting.name)
    }
  })
})

describe('the config file', () => {
  it('is read as YAML, with nested keys', async () => {
    const text = 'id: n1\ndiscovery:\n  port: 9\n  seeds: ["a:1"]\nlimits: {headerBytes: 9000}\nchaos: true\n'
    expect([...(await parseConfigFile('kv.yaml', text, SETTINGS))]).to.deep.equal([
      ['id', 'n1'],
      ['discoveryPort', 9],
      ['discoverySeeds', ['a:1']],
      ['maxHeaderBytes', 9000],
      ['chaos', true],
    ])
  })

  it('is read as JSON', async () => {
    expect([...(await parseConfigFile('kv.json', '{"n": 5}', SETTINGS))]).to.deep.equal([['n', 5]])
  })

  it('may be empty', async () => {
    expect((await parseConfigFile('kv.yaml', '# nothing\n', SETTINGS)).size).to.equal(0)
  })

  const refused: [string, string, string, RegExp][] = [
    ['an unknown key', 'a.yaml', 'id: x\nhttpPrt: 1\n', /^a\.yaml:2: there is no setting "httpPrt"/],
    [
      'an unknown nested key',
      'a.yaml',
      'discovery:\n  prt: 1\n',
      /^a\.yaml:2: there is no setting "discovery\.prt"/,
    ],
    [
      'a wrong type',
      'a.yaml',
      '\n\nhttpPort: "80"\n',
      /^a\.yaml:3: httpPort must be a whole number.*not "80"/,
    ],
    ['a number for a text', 'a.yaml', 'id: 12\n', /^a\.yaml:1: id must be/],
    ['a number out of range', 'a.json', '{\n"httpPort": 70000}', /^a\.json:2: httpPort must be/],
    ['a nested key that is flat', 'a.yaml', 'discovery: 5\n', /^a\.yaml:1: there is no setting "discovery"/],
    ['a key twice', 'a.yaml', 'id: a\nid: b\n', /^a\.yaml:2: the file is not YAML/],
    ['broken YAML', 'a.yaml', 'id: a\n  n: [1\n', /^a\.yaml:\d: the file is not YAML/],
    ['broken JSON', 'a.json', '{"id": "a",\n}', /^a\.json:2: the file is not JSON/],
    ['a list', 'a.yaml', '- a\n', /^a\.yaml: the file must hold keys/],
    ['a secret', 'a.yaml', 'secret: hunter22\n', /^a\.yaml:1: a secret does not belong/],
    ['bytes that are no text', 'a.yaml', '\u0000\u0001\ufffd{', /^a\.yaml/],
  ]
  for (const [name, file, text, message] of refused) {
    it(`refuses ${name}`, async () => {
      const error = await parseConfigFile(file, text, SETTINGS).then(
        () => undefined,
        (thrown: KvError) => thrown,
      )
      expect(error?.code).to.equal('usage')
      expect(error?.message).to.match(message)
    })
  }

  it('suggests the key that was meant, and does not repeat a secret', async () => {
    const failure = (text: string) =>
      parseConfigFile('a.yaml', text, SETTINGS).catch((thrown: KvError) => thrown)
    expect(((await failure('httpPrt: 1')) as KvError).hint).to.equal('did you mean httpPort?')
    expect(JSON.stringify(((await failure('secret: hunter22')) as KvError).toBody())).not.to.contain(
      'hunter22',
    )
  })
})
