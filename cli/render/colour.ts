import { Chalk, type ChalkInstance } from 'chalk'

/** Colours for stdout: none without a terminal, with NO_COLOR, or in CI. chalk itself does not look at NO_COLOR. */
export function colours(): ChalkInstance {
  const plain = !process.stdout.isTTY || process.env.NO_COLOR || process.env.CI || process.env.TERM === 'dumb'
  return new Chalk({ level: plain ? 0 : 1 })
}
