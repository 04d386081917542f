import { readdirSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { COMMANDS } from '../../../cli/catalog.ts'
import { resolveCommand } from '../../../cli/dispatch.ts'

const catalog = {
  commandIDs: ['get', 'set', 'ring:status', 'ring:locate', 'version'],
  topics: [{ name: 'ring' }],
}

describe('a command line', () => {
  const cases: [string, string[], object][] = [
    ['runs a command', ['get', 'a', '--json'], { kind: 'run', id: 'get', argv: ['a', '--json'] }],
    ['runs a command of a topic', ['ring', 'locate', 'a'], { kind: 'run', id: 'ring:locate', argv: ['a'] }],
    [
      'takes a key for a key, whatever it is',
      ['get', 'ring:status'],
      { kind: 'run', id: 'get', argv: ['ring:status'] },
    ],
    ['explains everything', [], { kind: 'help', words: [] }],
    ['explains a command', ['ring', 'status', '-h'], { kind: 'help', words: ['ring', 'status'] }],
    ['explains a topic', ['ring'], { kind: 'help', words: ['ring'] }],
    [
      'leaves --help behind -- alone',
      ['get', '--', '--help'],
      { kind: 'run', id: 'get', argv: ['--', '--help'] },
    ],
    ['tells its version', ['--version'], { kind: 'run', id: 'version', argv: [] }],
  ]
  for (const [what, argv, expected] of cases) {
    it(what, () => expect(resolveCommand(argv, catalog)).to.deep.equal(expected))
  }

  const unknown: [string[], string][] = [
    [['gte', 'a'], 'kv get'],
    [['rnig'], 'kv ring'],
    [['ring', 'statsu'], 'kv ring status'],
    [['ring', 'xxxxxxxxx'], 'kv ring --help'],
    [['--json', 'get'], 'kv COMMAND'],
  ]
  for (const [argv, hint] of unknown) {
    it(`suggests "${hint}" for "${argv.join(' ')}"`, () => {
      expect(() => resolveCommand(argv, catalog))
        .to.throw()
        .that.includes({ code: 'usage' })
        .with.property('hint')
        .that.contains(hint)
    })
  }
})

describe('the catalog of commands', () => {
  const directory = path.join(import.meta.dirname, '../../../cli/commands')
  const ids = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -3).split(path.sep).join(':'))

  it('names every file under commands/, and nothing else', () => {
    expect([...COMMANDS.keys()].sort((a, b) => (a < b ? -1 : 1))).to.deep.equal(
      ids.sort((a, b) => (a < b ? -1 : 1)),
    )
  })

  for (const [id, load] of COMMANDS) {
    it(`${id} has a summary, a description and at least two examples, each naming it, unless it is hidden`, async () => {
      const command = (await load()).default
      expect(command.summary).to.be.a('string').that.matches(/\.$/)
      expect(command.description).to.be.a('string')
      if (command.hidden) return
      const examples = (command.examples ?? []).map((example) =>
        typeof example === 'string' ? example : example.command,
      )
      expect(examples).to.have.length.of.at.least(2)
      for (const example of examples)
        expect(example).to.contain(`<%= config.bin %> ${id.replaceAll(':', ' ')}`)
    })
  }
})
