import type { Attempt, Attempts } from './failover.ts'

export interface Winner<T> {
  readonly endpoint: string
  readonly result: T
}

/**
 * Makes the attempts of a read so that one slow endpoint does not hold it up: the next one starts when one has failed,
 * or when there is still no answer after `patienceMs`, then after twice that, and so on, so that a ring that is slow as
 * a whole is not asked much more often than it would be anyway. The first success wins, and the others are cut off.
 *
 * @throws KvError the verdict of the attempts, where all have failed or one says that the others would fail too.
 */
export function hedged<T>(
  after: (ms: number, fn: () => void) => () => void,
  attempts: Attempts,
  patienceMs: number,
  run: (attempt: Attempt, signal: AbortSignal) => Promise<T>,
): Promise<Winner<T>> {
  return new Promise((resolve, reject) => {
    const schedule = attempts.schedule()[Symbol.iterator]()
    const others = new AbortController()
    let underWay = 0
    let waitMs = patienceMs
    let over = false
    let cancel = (): void => undefined

    const end = (settle: () => void): void => {
      over = true
      cancel()
      others.abort()
      settle()
    }
    const next = (): void => {
      cancel()
      const step = schedule.next()
      if (!step.done) {
        start(step.value)
        cancel = after(waitMs, next)
        waitMs *= 2
      } else if (underWay === 0 || attempts.hopeless) end(() => reject(attempts.verdict()))
    }
    const start = (attempt: Attempt): void => {
      underWay++
      run(attempt, others.signal).then(
        (result) => {
          if (!over) end(() => resolve({ endpoint: attempt.endpoint, result }))
        },
        (thrown: unknown) => {
          underWay--
          if (over) return
          try {
            attempts.failed(attempt.endpoint, thrown)
          } catch (unforeseen) {
            return end(() => reject(unforeseen))
          }
          next()
        },
      )
    }
    next()
  })
}
