import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { isUp } from '../../cli/local-ring/ring-state.ts'
import type { RingStatus } from '../../shared/api.ts'
import { AxiosExchange } from '../../shared/client/axios-exchange.ts'
import { NodeClient } from '../../shared/client/node-client.ts'
import { eventually } from '../eventually.ts'
import { KvUser } from './kv-user.ts'
import { Shell } from './shell.ts'

interface Example {
  readonly id: string
  readonly command: string
}

const MANIFEST = path.join(import.meta.dirname, '../../oclif.manifest.json')
const MINUTE = 60_000

/** What runs until it is interrupted, and what it prints when it has come that far. */
const ENDLESS = new Map([
  ['kv up --foreground', 'Ctrl-C stops the ring'],
  ['kv node start --id n1 --data ./n1', '"listening"'],
  ['kv node start --id n1 --data ./n1 --bootstrap-expect 3 --secret-file ./secret', '"listening"'],
  ['kv node start --config node.yaml', '"listening"'],
])

/** What a test cannot give it: a terminal. */
const REFUSED = new Map([['kv ring status --watch', 2]])

/** Of commands that change the ring as a whole: after all others. */
const LAST = ['ring:policy', 'node:remove', 'up', 'down', 'demo']

function examples(): Example[] {
  const { commands } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as {
    commands: Record<string, { hidden: boolean; examples?: { command: string }[] }>
  }
  const all = Object.entries(commands)
    .filter(([, { hidden }]) => !hidden)
    .flatMap(([id, { examples = [] }]) => examples.map(({ command }) => ({ id, command })))
    .map(({ id, command }) => ({ id, command: command.replaceAll('<%= config.bin %>', 'kv') }))
  const rank = ({ id }: Example): number => LAST.indexOf(id)
  return all.toSorted((a, b) => rank(a) - rank(b))
}

describe('the examples of --help', function () {
  this.timeout(2 * MINUTE)

  const user = new KvUser()
  // Nodes that an example starts by themselves take free ports, and leave the network alone.
  const shell = new Shell(user, { KV_HTTP_PORT: '0', KV_PEER_PORT: '0', KV_DISCOVERY_PORT: '0' })

  before(async () => {
    mkdirSync(user.file('.config/fish/completions'), { recursive: true })
    const files = {
      'cities.csv': 'country,name,people\nSE,Malmö,362133\nPT,Porto,231800\n',
      'users.ndjson': '{"id":1,"email":"ada@example.org"}\n{"id":2,"email":"bao@example.org"}\n',
      'big.csv': 'id,text\n1,one\n2,two\n',
      'words.txt': 'alpha\nbeta\n',
      secret: 'a secret of this test\n',
      'node.yaml': 'id: solo\ndata: ./solo\nhttpPort: 0\npeerPort: 0\ndiscovery:\n  port: 0\n',
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(user.file(name), text)
    await user.json(['up'])
    // The checkpoint that --resume goes on from.
    const argv = ['import', 'big.csv', '--key', '{id}', '--checkpoint', 'big.state']
    await user.json(argv)
  })

  after(() => user.dispose())

  /** As each example expects to find it. */
  async function prepare({ id, command }: Example): Promise<void> {
    if (id === 'node:remove') await loseNode('n4')
    if (LAST.includes(id) || command.includes('node start')) return
    await user.json(['set', 'greeting', 'hello', '--w', '3'])
    if (id === 'chaos:heal') await injectNamedFault()
  }

  async function injectNamedFault(): Promise<void> {
    const exchange = new AxiosExchange()
    const untilMs = Date.now() + MINUTE
    const rule = { id: 'partition-5d41a0', kind: 'partition' as const, groups: [['n1']], untilMs }
    for (const endpoint of user.endpoints().values())
      await new NodeClient({ exchange }, { endpoint, timeoutMs: 5_000 }).addFault(rule)
    exchange.close()
  }

  /** Until every other node takes it for down; the second example finds it removed. */
  async function loseNode(id: string): Promise<void> {
    if (user.ring().nodes.every((node) => node.id !== id)) return
    await user.json(['chaos', 'kill', id])
    const others = [...user.endpoints()].filter(([other]) => other !== id)
    await eventually(
      `${id} to be down`,
      async () => {
        for (const [, endpoint] of others) {
          const { nodes } = (await (await fetch(`${endpoint}/ring`)).json()) as RingStatus
          if (nodes.find((node) => node.id === id)?.state !== 'down') return false
        }
        return true
      },
      MINUTE,
    )
  }

  async function mend(): Promise<void> {
    await user.json(['chaos', 'heal'])
    const dead = user.ring().nodes.filter((node) => !isUp(node))
    if (dead.length > 0) await user.json(['chaos', 'restart', ...dead.map((node) => node.id)])
    await eventually(
      'the ring to be ok',
      async () => {
        const { health } = await user.json<RingStatus>(['ring', 'status'])
        return health === 'ok'
      },
      MINUTE,
    )
  }

  for (const example of examples()) {
    const { id, command } = example
    it(command, async () => {
      await prepare(example)
      const { code, out, err } = await shell.run(command, ENDLESS.get(command))
      expect(code, `${out}\n${err}`).to.equal(REFUSED.get(command) ?? 0)
      if (id.startsWith('chaos:')) await mend()
    })
  }

  it('are two at least for every command, and two of their own', () => {
    const counts = new Map<string, Set<string>>()
    for (const { id, command } of examples()) counts.set(id, (counts.get(id) ?? new Set()).add(command))
    expect(counts.size).to.be.greaterThan(25)
    expect([...counts].filter(([, commands]) => commands.size < 2)).to.deep.equal([])
  })
})
