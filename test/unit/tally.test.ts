import { expect } from 'chai'
import { complaints, summaryTable, tallyCheck, tallyMocha, tallySeeds, total } from '../tally.js'

describe('the tally of npm test', () => {
  it('reads the summary of mocha', () => {
    expect(tallyMocha('  ......\n\n  58 passing (1s)\n', 0)).to.deep.equal({ passed: 58, failed: 0 })
    expect(tallyMocha('  58 passing (1s)\n  2 failing\n', 2)).to.deep.equal({ passed: 58, failed: 2 })
  })

  it('counts a pending test as failed', () => {
    expect(tallyMocha('  5 passing (1s)\n  1 pending\n', 0)).to.deep.equal({ passed: 5, failed: 1 })
  })

  it('reads the summary of the simulator', () => {
    const output =
      '50 of 500 seeds in 9 s, 0 failed\n500 seeds, 8.33 virtual hours, 7 events, 3 failed\n  a 5\n'
    expect(tallySeeds(output, 1)).to.deep.equal({ passed: 497, failed: 3 })
  })

  it('never takes silence for success', () => {
    expect(tallyMocha('', 0)).to.deep.equal({ passed: 0, failed: 1 })
    expect(tallyMocha('  0 passing (1ms)\n', 0)).to.deep.equal({ passed: 0, failed: 1 })
    expect(tallySeeds('', 0)).to.deep.equal({ passed: 0, failed: 1 })
  })

  it('counts a stage that passed all and then crashed as failed', () => {
    expect(tallyMocha('  5 passing (1s)\n', 1)).to.deep.equal({ passed: 5, failed: 1 })
    expect(tallySeeds('5 seeds, 0.08 virtual hours, 7 events, 0 failed\n', 1)).to.deep.equal({
      passed: 5,
      failed: 1,
    })
  })

  it('counts a check as one test', () => {
    expect(tallyCheck('', 0)).to.deep.equal({ passed: 1, failed: 0 })
    expect(tallyCheck('all is well', 1)).to.deep.equal({ passed: 0, failed: 1 })
  })

  it('adds up, and shows which stage failed', () => {
    const results = [
      { name: 'types', passed: 1, failed: 0, seconds: 2 },
      { name: 'unit', passed: 9, failed: 1, seconds: 3.25 },
    ]
    expect(total(results)).to.deep.equal({ passed: 10, failed: 1 })
    const [first, second] = summaryTable(results)
    expect(first).to.match(/^ok +types +1 passed +0 failed +2\.0 s$/)
    expect(second).to.match(/^FAILED +unit +9 passed +1 failed +3\.3 s$/)
  })

  it('says again what has failed, from where the failures are told', () => {
    const output = `${'  an early line\n'.repeat(100)}  2 passing (1s)\n  1 failing\n\n  1) is wrong\n`
    const results = [
      { name: 'unit', failed: 1, output },
      { name: 'types', failed: 1, output: Array.from({ length: 90 }, (_, i) => `line ${i}`).join('\n') },
      { name: 'lint', failed: 0, output: 'all is well' },
    ]
    const said = complaints(results)
    expect(said.slice(0, 5)).to.deep.equal(['', '== unit failed:', '  1 failing', '', '  1) is wrong'])
    expect(said.slice(5, 8)).to.deep.equal(['', '== types failed:', 'line 50'])
    expect(said.at(-1)).to.equal('line 89')
  })
})
