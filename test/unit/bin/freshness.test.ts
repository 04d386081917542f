import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import {
  currentStamp,
  isBuilt,
  isInstalled,
  sameInstallation,
  stampFile,
} from '../../../cli/bin/freshness.js'

describe('freshness of a checkout', () => {
  let root = ''
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
    writeFileSync(path.join(root, file), text)
  }
  const writeStamp = (): void => {
    mkdirSync(path.join(root, 'dist'), { recursive: true })
    writeFileSync(stampFile(root), JSON.stringify(currentStamp(root)))
  }

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'kvring fresh '))
    write('server/main.ts', 'one')
    write('server/ring/slot.ts', 'two')
    write('package.json', '{}')
    write('oclif.manifest.json', '{}')
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('is not built without a stamp, or with a broken one', () => {
    expect(isBuilt(root)).to.equal(false)
    write('dist/stamp.json', '{"sources":')
    expect(isBuilt(root)).to.equal(false)
  })

  it('is built as long as no source has changed', () => {
    writeStamp()
    expect(isBuilt(root)).to.equal(true)
  })

  const changes: readonly (readonly [string, () => void])[] = [
    ['changed', () => write('server/ring/slot.ts', 'TWO')],
    ['added', () => write('server/ring/more.ts', '')],
    ['removed', () => rmSync(path.join(root, 'server/ring/slot.ts'))],
    [
      'renamed to a name that joins differently',
      () => {
        rmSync(path.join(root, 'server/main.ts'))
        write('server/main.t', 'sone')
      },
    ],
  ]
  for (const [what, change] of changes) {
    it(`is no longer built when a source was ${what}`, () => {
      writeStamp()
      change()
      expect(isBuilt(root)).to.equal(false)
    })
  }

  it('is no longer built when the manifest was changed, or package.json', () => {
    writeStamp()
    write('oclif.manifest.json', '{"commands":{}}')
    expect(isBuilt(root)).to.equal(false)
    writeStamp()
    write('package.json', '{"version":"2"}')
    expect(isBuilt(root)).to.equal(false)
  })

  it('goes by content, neither by time nor by documentation', () => {
    writeStamp()
    utimesSync(path.join(root, 'server/main.ts'), new Date(), new Date(0))
    write('server/README.md', 'words')
    expect(isBuilt(root)).to.equal(true)
  })

  it('is not installed without the record that npm leaves', () => {
    write('package-lock.json', '{"packages":{}}')
    expect(isInstalled(root)).to.equal(false)
    write('node_modules/.package-lock.json', '{"packages":{}}')
    expect(isInstalled(root)).to.equal(true)
  })
})

describe('sameInstallation', () => {
  const a = { version: '1.0.0', integrity: 'sha512-a' }

  it('holds where every package is there in its version', () => {
    expect(
      sameInstallation({ packages: { '': {}, 'node_modules/a': a } }, { packages: { 'node_modules/a': a } }),
    ).to.equal(true)
  })

  it('fails where a package is missing, of another version, or of another content', () => {
    const wanted = { packages: { 'node_modules/a': a } }
    for (const other of [undefined, { ...a, version: '1.0.1' }, { ...a, integrity: 'sha512-b' }]) {
      const installed = { packages: other ? { 'node_modules/a': other } : {} }
      expect(sameInstallation(wanted, installed)).to.equal(false)
    }
  })

  it('does without optional packages, but not with a wrong version of them', () => {
    const wanted = { packages: { 'node_modules/a': { ...a, optional: true } } }
    expect(sameInstallation(wanted, { packages: {} })).to.equal(true)
    expect(sameInstallation(wanted, { packages: { 'node_modules/a': { ...a, version: '0.9.0' } } })).to.equal(
      false,
    )
  })
})
