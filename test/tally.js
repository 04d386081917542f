/**
 * What a stage of `npm test` has shown.
 * @typedef {{passed: number, failed: number}} Tally
 */

/** Of one stage. */
const COMPLAINT_LINES = 40

/** What the output and exit code of a mocha run say. A run that broke off counts as a failure of its own. */
export function tallyMocha(output, exitCode) {
  const passed = lastNumber(output, /^\s*(\d+) passing\b/gm)
  // A pending test proves nothing: it counts as failed.
  const failed =
    (lastNumber(output, /^\s*(\d+) failing\b/gm) ?? 0) + (lastNumber(output, /^\s*(\d+) pending\b/gm) ?? 0)
  return sealed({ passed: passed ?? 0, failed }, exitCode)
}

/** What the last summary line of the simulator says: `500 seeds, 8.33 virtual hours, 123 events, 0 failed`. */
export function tallySeeds(output, exitCode) {
  const summary = [...output.matchAll(/^(\d+) seeds, .*\b(\d+) failed$/gm)].at(-1)
  if (summary === undefined) return sealed({ passed: 0, failed: 0 }, exitCode)
  const failed = Number(summary[2])
  return sealed({ passed: Number(summary[1]) - failed, failed }, exitCode)
}

/** A check that has nothing to count is one test. */
export function tallyCheck(_output, exitCode) {
  return exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/** Neither a stage without a test nor one that ended badly can look like a success. */
function sealed(tally, exitCode) {
  const silent = tally.failed === 0 && (exitCode !== 0 || tally.passed === 0)
  return silent ? { ...tally, failed: 1 } : tally
}

export function total(tallies) {
  return tallies.reduce(
    (sum, { passed, failed }) => ({ passed: sum.passed + passed, failed: sum.failed + failed }),
    { passed: 0, failed: 0 },
  )
}

/** A line for each stage. */
export function summaryTable(results) {
  const width = Math.max(...results.map(({ name }) => name.length))
  return results.map(({ name, passed, failed, seconds }) => {
    const counts = `${String(passed).padStart(6)} passed ${String(failed).padStart(4)} failed`
    return `${failed === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(width)} ${counts} ${seconds.toFixed(1).padStart(7)} s`
  })
}

/** What the stages that failed have said of it, once more: whoever reads only the end of a long log sees it there. */
export function complaints(results) {
  return results
    .filter(({ failed }) => failed > 0)
    .flatMap(({ name, output }) => {
      const lines = output.trimEnd().split('\n')
      const from = lines.findIndex((line) => /^\s*\d+ failing\b/.test(line))
      const end = from < 0 ? lines.slice(-COMPLAINT_LINES) : lines.slice(from, from + COMPLAINT_LINES)
      return ['', `== ${name} failed:`, ...end]
    })
}

function lastNumber(text, pattern) {
  const match = [...text.matchAll(pattern)].at(-1)
  return match === undefined ? undefined : Number(match[1])
}
