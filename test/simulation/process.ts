import type { EventLoop } from './event-loop.ts'

export type ProcessState = 'running' | 'paused' | 'resuming' | 'dead'

/**
 * One run of one node, from its start to its crash. All that reaches a node (timers, messages, the ends of
 * commits) passes through `run`, so that a crash cuts everything off and a pause holds everything back.
 */
export class SimulatedProcess {
  private current: ProcessState = 'running'
  private backlog: (() => void)[] = []
  private readonly loop: EventLoop
  private readonly onThrow: (thrown: unknown) => void

  constructor(components: { loop: EventLoop; onThrow: (thrown: unknown) => void }) {
    this.loop = components.loop
    this.onThrow = components.onThrow
  }

  get state(): ProcessState {
    return this.current
  }

  get dead(): boolean {
    return this.current === 'dead'
  }

  /** At once, after the pause, or never. */
  run(task: () => void): void {
    if (this.current === 'running') this.execute(task)
    else if (this.current !== 'dead') this.backlog.push(task)
  }

  pause(): void {
    if (this.current !== 'dead') this.current = 'paused'
  }

  /** What came in during the pause is worked off in its order, each as an event of its own. */
  resume(): void {
    if (this.current !== 'paused') return
    this.current = 'resuming'
    this.loop.after(0, () => this.drain())
  }

  die(): void {
    this.current = 'dead'
    this.backlog = []
  }

  private drain(): void {
    if (this.current !== 'resuming') return
    const task = this.backlog.shift()
    if (task === undefined) {
      this.current = 'running'
      return
    }
    this.execute(task)
    this.loop.after(1, () => this.drain())
  }

  private execute(task: () => void): void {
    try {
      task()
    } catch (thrown) {
      this.onThrow(thrown)
    }
  }
}
