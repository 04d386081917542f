import type { MemberView } from '../membership/member-view.ts'
import type { Clock } from '../ports/clock.ts'

/** The members within reach have so long to take a new layout over before its change is answered, milliseconds. */
const SPREAD_MS = 1_000
const LOOK_EVERY_MS = 50

export interface LayoutSpreadComponents {
  readonly clock: Clock
  readonly members: () => readonly MemberView[]
}

/** A layout on its way to the members: it comes to them with the first heartbeat. */
export class LayoutSpread {
  private readonly components: LayoutSpreadComponents

  constructor(components: LayoutSpreadComponents) {
    this.components = components
  }

  /** @returns the members that are not known to go by the layout, or a later one, after a while. */
  async waitFor(version: number): Promise<string[]> {
    const { clock, members } = this.components
    const untilMs = clock.monotonicMs() + SPREAD_MS
    for (;;) {
      const behind = members().filter(
        (member) => member.state !== 'joining' && member.layoutVersion < version,
      )
      const late = clock.monotonicMs() >= untilMs
      if (late || !behind.some(({ reachable }) => reachable)) return behind.map(({ id }) => id)
      await new Promise<void>((resolve) => clock.after(LOOK_EVERY_MS, resolve))
    }
  }
}
