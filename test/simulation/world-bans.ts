import nodeCrypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import timersPromises from 'node:timers/promises'

type Owner = Record<string, unknown>

/** What a simulated node must not reach: [owner, property, name in the message]. */
const BANNED: readonly (readonly [owner: object, property: string, name: string])[] = [
  [Math, 'random', 'Math.random'],
  [performance, 'now', 'performance.now'],
  [process, 'hrtime', 'process.hrtime'],
  [globalThis, 'setTimeout', 'setTimeout'],
  [globalThis, 'setInterval', 'setInterval'],
  [globalThis, 'setImmediate', 'setImmediate'],
  [timersPromises, 'setTimeout', 'timers/promises'],
  [timersPromises, 'setImmediate', 'timers/promises'],
  [AbortSignal, 'timeout', 'AbortSignal.timeout'],
  [nodeCrypto, 'randomBytes', 'crypto.randomBytes'],
  [nodeCrypto, 'randomUUID', 'crypto.randomUUID'],
  [nodeCrypto, 'randomInt', 'crypto.randomInt'],
  [nodeCrypto, 'randomFillSync', 'crypto.randomFillSync'],
]

/**
 * While a simulation runs, time and chance of the real world throw. What was called is kept as well, because
 * the code that called may swallow the throw.
 */
export class WorldBans {
  readonly breaches: string[] = []
  private readonly saved: [owner: Owner, property: string, value: unknown][] = []

  install(): void {
    for (const [owner, property, name] of BANNED) {
      this.replace(owner as Owner, property, () => this.breach(name))
    }
    const RealDate = Date
    const breach = (name: string) => this.breach(name)
    class BannedDate extends RealDate {
      constructor(...given: unknown[]) {
        if (given.length === 0) breach('new Date()')
        super(...(given as [number]))
      }

      static override now(): number {
        return breach('Date.now')
      }
    }
    this.replace(globalThis as unknown as Owner, 'Date', BannedDate)
    syncBuiltinESMExports()
  }

  lift(): void {
    for (const [owner, property, value] of this.saved.reverse()) owner[property] = value
    this.saved.length = 0
    syncBuiltinESMExports()
  }

  private replace(owner: Owner, property: string, value: unknown): void {
    this.saved.push([owner, property, owner[property]])
    owner[property] = value
  }

  private breach(name: string): never {
    const error = new Error(`${name} was called inside a simulation`)
    this.breaches.push(error.stack ?? error.message)
    throw error
  }
}
