import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { makeDurably, writeDurably } from '../../../cli/durable-file.ts'

describe('a durable file', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kvring-durable-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is replaced as a whole, is its owner’s only, and leaves no draft behind', () => {
    const file = path.join(folder, 'state')
    writeDurably(file, 'a longer text')
    writeDurably(file, 'a text')
    expect(readFileSync(file, 'utf8')).to.equal('a text')
    expect(statSync(file).mode & 0o777).to.equal(0o600)
    expect(readdirSync(folder)).to.deep.equal(['state'])
  })

  it('has a directory, made with all that are missing above it, and is content with one that is there', () => {
    const directory = path.join(folder, 'one', 'two')
    makeDurably(directory)
    makeDurably(directory)
    for (const made of [path.dirname(directory), directory])
      expect(statSync(made).mode & 0o777).to.equal(0o700)
  })
})
