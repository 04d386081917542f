import { expect } from 'chai'
import { makeManifest } from '../../cli/command-plugin.ts'
import { checkDirection } from '../tidy/direction.ts'
import { checkLinks, checkLockfile, checkPortability, readLinked } from '../tidy/portability.ts'
import { checkShape } from '../tidy/shape.ts'
import { describeFinding, type Finding, ROOT, readProject, type SourceFile } from '../tidy/source-files.ts'
import { checkWorldBans, isCore } from '../tidy/world-bans.ts'

const files = readProject()
const byPath = new Map(files.map((file) => [file.path, file]))

/** Empty lists compare better than long ones: the difference is what is to be mended. */
function expectNone(findings: readonly Finding[]): void {
  expect(findings.map(describeFinding)).to.deep.equal([])
}

const core = (text: string): SourceFile => ({ path: 'server/ring/sample.ts', text })

describe('house rules', () => {
  it('sees the project', () => {
    expect(byPath.has('server/node.ts')).to.equal(true)
    expect(files.filter((file) => isCore(file.path)).length).to.be.greaterThan(30)
  })

  it('imports point from higher layers to lower ones', () => expectNone(checkDirection(files)))

  it('the core reads the world through its ports only', () => {
    expectNone(files.filter((file) => isCore(file.path)).flatMap(checkWorldBans))
  })

  it('a file is one idea, has a name, and is finished', () => expectNone(files.flatMap(checkShape)))

  it('nothing depends on the machine it was written on', () => expectNone(files.flatMap(checkPortability)))

  it('the lockfile works with every registry', () => {
    expectNone(checkLockfile(byPath.get('package-lock.json') as SourceFile))
  })

  it('links in the documentation lead somewhere', () => {
    const pages = files.filter((file) => file.path.endsWith('.md'))
    expectNone(pages.flatMap((page) => checkLinks(page, (linked) => readLinked(linked, byPath))))
  })

  it('oclif.manifest.json lists the commands as they are', async () => {
    const manifest = `${JSON.stringify(await makeManifest(ROOT), null, 2)}\n`
    expect(manifest, 'run: npm run build').to.equal(byPath.get('oclif.manifest.json')?.text)
  })
})

describe('the checker of import direction', () => {
  const check = (path: string, text: string) => checkDirection([{ path, text }]).map(({ rule }) => rule)

  it('reports an import of a higher layer, of adapters, and of the server by the command line', () => {
    expect(check('server/ring/a.ts', "import type { B } from '../rpc/b.ts'")).to.deep.equal([
      'server/ring must not import server/rpc',
    ])
    expect(check('server/node.ts', "import { B } from './adapters/b.ts'")).to.have.length(1)
    expect(check('server/adapters/a.ts', "const b = await import('../ring/b.ts')")).to.have.length(1)
    expect(check('cli/commands/a.ts', "import { B } from '../../server/ring/b.ts'")).to.have.length(1)
    expect(check('shared/a.ts', "import { B } from '../server/ports/b.ts'")).to.have.length(1)
    expect(check('server/settings.ts', "import { B } from './main.ts'")).to.have.length(1)
    expect(check('server/new-folder/a.ts', "import { B } from '../ports/b.ts'")).to.have.length(1)
  })

  it('allows lower layers, and the adapters to the composition root', () => {
    expect(check('server/rpc/a.ts', "import { B } from '../ring/b.ts'")).to.deep.equal([])
    expect(check('server/main.ts', "import { B } from './adapters/b.ts'")).to.deep.equal([])
  })

  it('reports parts of one layer that import each other, and allows one direction', () => {
    const there = { path: 'server/coordinator/a.ts', text: "import { B } from '../handoff/b.ts'" }
    const back = { path: 'server/handoff/b.ts', text: "import type { A } from '../coordinator/a.ts'" }
    expect(checkDirection([there])).to.have.length(0)
    expect(checkDirection([there, back]).map(({ rule }) => rule)).to.deep.equal([
      'server/coordinator and server/handoff import each other',
      'server/handoff and server/coordinator import each other',
    ])
  })
})

describe('the checker of the core', () => {
  const offending = [
    'const now = Date.now()',
    'const now = globalThis.Date.now()',
    'const now = new Date()',
    'const now = Date()',
    'const now = performance.now()',
    'const now = process.hrtime.bigint()',
    'setTimeout(() => {}, 1)',
    'globalThis.setImmediate(run)',
    'const later = setInterval',
    'process.nextTick(run)',
    'queueMicrotask(run)',
    "import { setTimeout as sleep } from 'node:timers/promises'",
    "import os from 'node:os'",
    "import { readFile } from 'fs/promises'",
    "const fs = await import('node:fs')",
    'const signal = AbortSignal.timeout(5)',
    'const draw = Math.random()',
    "import { randomBytes } from 'node:crypto'",
    'const id = crypto.randomUUID()',
    'const home = process.env.HOME',
    'const order = a.localeCompare(b)',
    "const text = (5).toLocaleString('en')",
    'const collator = new Intl.Collator()',
    'const sorted = keys.sort()',
    'const sorted = [...keys].toSorted()',
    'function f(): Record<string, number> { return {} }',
    'interface Table { [name: string]: number }',
    'let count = 0',
    'const cache = new Map<string, string>()',
    'export const all: string[] = []',
    'class A { static count = 0 }',
  ]
  for (const text of offending) {
    it(`reports ${text}`, () => expect(checkWorldBans(core(text))).to.not.deep.equal([]))
  }

  const harmless = [
    'const late = clock.after(5, run)',
    'class A { setTimeout(): void { this.setTimeout() } }',
    'const at = new Date(wallMs).toISOString()',
    '// Date.now() and setTimeout in a comment',
    "const text = 'Date.now() setTimeout Math.random'",
    'const sorted = keys.sort(compareBytes)',
    "import { createHmac } from 'node:crypto'",
    'const names: ReadonlyMap<string, number> = new Map([[key, 1]])',
    'const NOBODY: readonly string[] = []',
    'const NO_OPTIONS: PutOptions = {}',
    'type Fields = Readonly<Record<string, string>>',
    'function f() { let count = 0; const seen = new Set<string>(); return [count, seen] }',
    'class A { private static readonly LIMIT = 5 }',
  ]
  for (const text of harmless) {
    it(`allows ${text}`, () => expectNone(checkWorldBans(core(text))))
  }

  it('holds for the core, and not for adapters, the composition root and the client', () => {
    expect(['server/ring/a.ts', 'server/node.ts', 'shared/a.ts'].every(isCore)).to.equal(true)
    expect(
      ['server/adapters/a.ts', 'server/main.ts', 'shared/client/a.ts', 'cli/a.ts'].some(isCore),
    ).to.equal(false)
  })
})

describe('the checker of a file’s shape', () => {
  const check = (path: string, text = 'const a = 1\n') => checkShape({ path, text })

  it('reports what is too long, a barrel, and what has no concept for its name', () => {
    expect(check('server/ring/a.ts', 'a\n'.repeat(301))).to.have.length(1)
    expect(check('server/ring/a.ts', 'a\n'.repeat(300))).to.have.length(0)
    expect(check('server/ring/index.ts')).to.have.length(1)
    expect(check('server/ring/a.ts', "export * from './slot.ts'\n")).to.have.length(1)
    expect(check('server/utils/a.ts')).to.have.length(1)
    expect(check('shared/types.ts')).to.have.length(1)
  })

  it('reports unfinished work, lone and skipped tests, and checks switched off', () => {
    for (const mark of [
      '// TO' + 'DO: later',
      '// FIX' + 'ME',
      'it.on' + "ly('a')",
      'describe.sk' + "ip('a')",
      'x' + "it('a')",
    ]) {
      expect(check('test/unit/a.test.ts', `${mark}\n`), mark).to.have.length(1)
    }
    expect(check('server/ring/a.ts', '// @ts-' + 'ignore\n')).to.have.length(1)
    expect(check('server/ring/a.ts', '// eslint-' + 'disable-next-line\n')).to.have.length(1)
  })
})

describe('the checkers of portability', () => {
  it('report a path of one machine and the host of a registry', () => {
    const check = (text: string) => checkPortability({ path: 'README.md', text })
    expect(check(`see /ho${'me'}/someone/kvring`)).to.have.length(1)
    expect(check(`"https://regi${'stry'}.example.org/a.tgz"`)).to.have.length(1)
    expect(check('see ./home/page and GET /kv/{key}')).to.have.length(0)
  })

  it('report a lockfile with addresses or without integrity', () => {
    const check = (entry: object) =>
      checkLockfile({
        path: 'package-lock.json',
        text: JSON.stringify({ packages: { '': {}, 'node_modules/a': entry } }),
      })
    expect(check({ version: '1.0.0', integrity: 'sha512-a' })).to.have.length(0)
    expect(
      check({ version: '1.0.0', integrity: 'sha512-a', resolved: 'https://example.org/a' }),
    ).to.have.length(1)
    expect(check({ version: '1.0.0' })).to.have.length(1)
  })

  it('report links that lead nowhere', () => {
    const pages = new Map([['docs/b.md', '# Two words: here\n']])
    const check = (text: string) => checkLinks({ path: 'docs/a.md', text }, (linked) => pages.get(linked))
    expect(check('[b](b.md) [b](./b.md#two-words-here) [c](https://example.org)')).to.have.length(0)
    expect(check('[b](missing.md)')).to.have.length(1)
    expect(check('[b](b.md#other)')).to.have.length(1)
  })
})
