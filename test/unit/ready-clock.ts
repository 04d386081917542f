import type { Clock } from '../../server/ports/clock.ts'

/** A clock on which time stands still: what is to come at once comes with the next promise callbacks, the rest never. */
export const readyClock: Clock = {
  wallMs: () => 1_700_000_000_000,
  monotonicMs: () => 0,
  after: (ms, fn) => {
    let cancelled = ms > 0
    void Promise.resolve().then(() => {
      if (!cancelled) fn()
    })
    return {
      cancel: () => {
        cancelled = true
      },
    }
  },
}
