import { expect } from 'chai'
import { type TrialResult, type TrialSettings, tryRing } from './trial.ts'

const SECONDS = 25

/** Clocks that are wrong, or tombstones that are collected: they must grow older than clocks may differ. */
const SKEWED = { skewMs: 40_000, tombstoneMinAgeMs: 0 }
const COLLECTING = { skewMs: 0, tombstoneMinAgeMs: 12_000 }

const TRIALS: readonly (readonly [string, TrialSettings])[] = [
  ['shows the latest, by clocks that are wrong', { seed: 1, conflicts: 'lww', seconds: SECONDS, ...SKEWED }],
  [
    'keeps siblings, and collects tombstones',
    { seed: 2, conflicts: 'siblings', seconds: SECONDS, ...COLLECTING },
  ],
  [
    'changes its policy, and collects tombstones',
    { seed: 3, conflicts: 'switched', seconds: SECONDS, ...COLLECTING },
  ],
]

/** What was struck and answered in every trial, or it has shown nothing. */
const MARKS = ['fault kill', 'fault pause', 'fault chaos partition', 'write ok', 'write ok sloppy', 'read ok']

const said = ({ violations }: TrialResult): string[] =>
  violations.map(({ checker, key, message }) => `${checker} ${key}: ${message}`)

/** Real processes under all faults at once, judged by what judges the simulator's rings. */
describe('the history of a ring of real processes', function () {
  this.timeout(6 * 60_000)

  for (const [what, settings] of TRIALS) {
    it(`breaks no law where it ${what}`, async () => {
      const result = await tryRing(settings)
      expect(said(result)).to.deep.equal([])
      expect(MARKS.filter((mark) => !result.marks.has(mark))).to.deep.equal([])
    })
  }

  it('breaks some where disks lose a part of what they are given', async () => {
    const ring = {
      seed: 4,
      conflicts: 'lww',
      seconds: 4,
      skewMs: 0,
      tombstoneMinAgeMs: 0,
      faults: false,
    } as const
    // The names of the requests of one client begin so.
    expect(said(await tryRing({ ...ring, loses: 'c3-' })).join('\n')).to.match(/^durability .* is lost$/m)
    expect(said(await tryRing(ring))).to.deep.equal([])
  })
})
