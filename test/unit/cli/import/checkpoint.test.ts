import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { type CheckpointContent, openCheckpoint, saveCheckpoint } from '../../../../cli/import/checkpoint.ts'
import { CheckpointKeeper } from '../../../../cli/import/checkpoint-keeper.ts'
import { IntervalSet } from '../../../../cli/import/intervals.ts'

describe('the checkpoint of an import', () => {
  const mark = { source: { size: 10, head: 'h' }, options: { format: 'csv' } }
  const content: CheckpointContent = {
    version: 1,
    ...mark,
    importId: 'i',
    resumed: 2,
    acknowledged: [[1, 4]],
    reserved: 9,
    complete: false,
  }
  let directory: string
  let file: string

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'kvring-checkpoint-'))
    file = path.join(directory, 'state')
  })

  afterEach(() => rmSync(directory, { recursive: true }))

  it('gives back what was saved, as one more run', async () => {
    await saveCheckpoint(file, content)
    const progress = openCheckpoint(file, true, mark, 'other')
    expect(progress).to.include({ importId: 'i', resumed: 3, reserved: 9 })
    expect(progress.acknowledged.toJSON()).to.deep.equal([[1, 4]])
  })

  it('begins anew where there is none, and over one that is complete', async () => {
    expect(openCheckpoint(file, true, mark, 'new')).to.include({ importId: 'new', resumed: 0, reserved: 0 })
    await saveCheckpoint(file, { ...content, complete: true })
    expect(openCheckpoint(file, false, mark, 'new')).to.include({ importId: 'new', resumed: 0 })
  })

  it('is refused unfinished without --resume, of another source or other options, and damaged', async () => {
    const code = (resume: boolean, other = mark): unknown => {
      try {
        return openCheckpoint(file, resume, other, 'new')
      } catch (thrown) {
        return (thrown as { code: string }).code
      }
    }
    await saveCheckpoint(file, content)
    expect(code(false)).to.equal('usage')
    expect(code(true, { ...mark, source: { size: 11, head: 'h' } })).to.equal('usage')
    expect(code(true, { ...mark, options: { format: 'tsv' } })).to.equal('usage')
    for (const damage of ['', '{}', '{"version":1', JSON.stringify({ ...content, acknowledged: [[5, 1]] })]) {
      writeFileSync(file, damage)
      expect(code(true), damage).to.equal('usage')
    }
    expect(readFileSync(file, 'utf8')).to.contain('[[5,1]]')
  })

  it('says durably that a run has begun before any of its ids is used', async () => {
    const saved: number[] = []
    const progress = { importId: 'i', resumed: 3, acknowledged: new IntervalSet([[1, 4]]), reserved: 9 }
    const save = async ({ resumed }: CheckpointContent): Promise<void> => {
      saved.push(resumed)
    }
    const keeper = new CheckpointKeeper({ save, every: () => () => undefined }, progress, mark)
    await keeper.begin()
    expect(saved).to.deep.equal([3])
    expect([keeper.requestId(5, false), keeper.requestId(5, true)]).to.deep.equal(['i-5', 'i-5-3'])
  })
})
