import { expect } from 'chai'
import { Disk } from '../../e2e/power-cut/disk.ts'
import type { JournalRecord } from '../../e2e/power-cut/journal.ts'
import type { NewNames } from '../../e2e/power-cut/names.ts'
import {
  ALL,
  anyOf,
  DATA,
  NAMES,
  NOTHING,
  random,
  type Survival,
  torn,
} from '../../e2e/power-cut/survival.ts'
import type { Tree } from '../../e2e/power-cut/tree.ts'

type Step = JournalRecord extends infer One ? (One extends JournalRecord ? Omit<One, 'at'> : never) : never

/** A disk to which a program writes, step by step: each takes place one later than the one before. */
class Program {
  readonly disk: Disk
  private at = 0

  constructor(before: Tree = new Map(), newNames?: NewNames) {
    this.disk = new Disk(before, newNames)
  }

  do(step: Step): number {
    this.disk.apply({ ...step, at: ++this.at } as JournalRecord)
    return this.at
  }

  open(path: string, { creates = true, truncates = false } = {}): number {
    return this.do({ type: 'open', path, creates, truncates })
  }

  write(opened: number, text: string, offset = 0): void {
    this.do({ type: 'write', opened, offset, data: Buffer.from(text) })
  }

  sync(opened: number): void {
    this.do({ type: 'sync-end', opened, began: this.do({ type: 'sync-begin', opened }) })
  }

  syncDirectory(path: string): void {
    this.sync(this.open(path, { creates: false }))
  }

  /** `path=content`, `path/` for a directory; in the order of the disk. */
  cut(survival: Survival): string {
    const tree = this.disk.cut(survival)
    return [...tree].map(([path, content]) => (content ? `${path}=${content}` : `${path}/`)).join(' ')
  }
}

const text = (content: string) => Buffer.from(content)

describe('a disk whose power is cut', () => {
  it('has what an fsync has covered, and all of it', () => {
    const program = new Program()
    const file = program.open('a')
    program.write(file, 'one')
    program.sync(file)
    program.write(file, 'two', 3)
    expect(program.cut(NOTHING)).to.equal('a=one')
    expect(program.cut(ALL)).to.equal('a=onetwo')
  })

  it('does not count for covered what was written after the fsync had begun', () => {
    const program = new Program()
    const opened = program.open('a')
    program.write(opened, 'one')
    const began = program.do({ type: 'sync-begin', opened })
    program.write(opened, 'two', 3)
    expect(program.cut(NOTHING), 'it has not returned').to.equal('')
    program.do({ type: 'sync-end', opened, began })
    expect(program.cut(NOTHING)).to.equal('a=one')
  })

  it('loses a new file that was not fsynced, or its content only', () => {
    const program = new Program()
    program.write(program.open('a'), 'one')
    expect(program.cut(NOTHING)).to.equal('')
    expect(program.cut(NAMES)).to.equal('a=')
    expect(program.cut(DATA)).to.equal('')
    program.syncDirectory('')
    expect(program.cut(NOTHING)).to.equal('a=')
    expect(program.cut(DATA)).to.equal('a=one')
  })

  it('keeps the name of a new file that was fsynced as file systems do, or as POSIX promises it', () => {
    for (const [newNames, found] of [
      ['file', 'a=one'],
      ['directory', ''],
    ] as const) {
      const program = new Program(new Map(), newNames)
      const file = program.open('a')
      program.write(file, 'one')
      program.sync(file)
      expect(program.cut(NOTHING)).to.equal(found)
      program.syncDirectory('')
      expect(program.cut(NOTHING)).to.equal('a=one')
    }
  })

  it('undoes a rename until the directory was fsynced, and never half of it', () => {
    const program = new Program(new Map([['old', text('before')]]))
    const draft = program.open('new')
    program.write(draft, 'after')
    program.sync(draft)
    program.do({ type: 'rename', path: 'new', to: 'old' })
    expect(program.cut(NOTHING)).to.equal('old=before new=after')
    expect(program.cut(NAMES)).to.equal('old=after')
    program.syncDirectory('')
    expect(program.cut(NOTHING)).to.equal('old=after')
  })

  it('leaves a file empty that was renamed before its content was fsynced', () => {
    const program = new Program(new Map([['old', text('before')]]))
    program.write(program.open('new'), 'after')
    program.do({ type: 'rename', path: 'new', to: 'old' })
    program.syncDirectory('')
    expect(program.cut(NOTHING)).to.equal('old=')
  })

  it('brings back what was removed, and what was cut short', () => {
    const program = new Program(
      new Map([
        ['a', text('one')],
        ['b', text('two')],
      ]),
    )
    program.do({ type: 'unlink', path: 'a' })
    program.open('b', { truncates: true })
    expect(program.cut(NOTHING)).to.equal('a=one b=two')
    expect(program.cut(ALL)).to.equal('b=')
  })

  it('loses a directory with all that is in it, until its own name was fsynced', () => {
    const program = new Program()
    program.do({ type: 'mkdir', path: 'd' })
    const file = program.open('d/a')
    program.write(file, 'one')
    program.sync(file)
    program.syncDirectory('d')
    expect(program.cut(NOTHING)).to.equal('')
    program.syncDirectory('')
    expect(program.cut(NOTHING)).to.equal('d/ d/a=one')
  })

  it('does not keep the later of two changes of a name without the earlier', () => {
    const program = new Program()
    const first = program.open('draft')
    program.write(first, 'one')
    program.sync(first)
    program.do({ type: 'rename', path: 'draft', to: 'a' })
    program.sync(program.open('draft'))
    expect(program.cut(NOTHING)).to.equal('a=one draft=')
  })

  it('tears the last write of all, and no other', () => {
    const found = new Set<string>()
    for (let seed = 0; seed < 50; seed++) {
      const program = new Program()
      const [a, b] = [program.open('a'), program.open('b')]
      program.write(b, 'xyz')
      program.write(a, 'one')
      found.add(program.cut(torn(seed)))
    }
    expect([...found].sort()).to.deep.equal(['a= b=xyz', 'a=o b=xyz', 'a=on b=xyz', 'a=one b=xyz'])
  })

  it('keeps any sectors of data, and zeros in place of others, but all that was fsynced', () => {
    const sector = (letter: string) => letter.repeat(512)
    const found = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const program = new Program()
      const file = program.open('a')
      program.write(file, sector('d'))
      program.sync(file)
      program.write(file, sector('x') + sector('y'), 512)
      found.add(program.cut(random(seed)).replace(/(.)\1{511}/g, '$1'))
    }
    expect([...found].sort()).to.deep.equal(['a=d', 'a=d\0\0', 'a=d\0y', 'a=dx', 'a=dx\0', 'a=dxy'])
  })

  it('undoes changes of names from the last one on, or any of them', () => {
    const outcomes = (survivalOf: (seed: number) => Survival) => {
      const found = new Set<string>()
      for (let seed = 0; seed < 100; seed++) {
        const program = new Program()
        for (const name of ['a', 'b']) program.do({ type: 'mkdir', path: name })
        found.add(program.cut(survivalOf(seed)))
      }
      return [...found].sort()
    }
    expect(outcomes(random)).to.deep.equal(['', 'a/', 'a/ b/'])
    expect(outcomes(anyOf)).to.deep.equal(['', 'a/', 'a/ b/', 'b/'])
  })

  it('refuses a journal that lacks something', () => {
    const program = new Program()
    expect(() => program.open('d/a')).to.throw('there is no directory d')
    expect(() => program.open('a', { creates: false })).to.throw('nobody has made it')
    expect(() => program.write(99, 'x')).to.throw('nothing was opened at 99')
    expect(() => program.do({ type: 'rename', path: 'a', to: 'b' })).to.throw('there is no a')
  })
})
