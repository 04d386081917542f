import { closeSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ScrubStatus } from '../../../shared/api.ts'
import { eventually } from '../../eventually.ts'
import type { Loss } from '../../simulation/evidence.ts'
import type { Prng } from '../../simulation/prng.ts'
import { copyDirectory, hideCopying } from '../disk-images.ts'
import type { ProcessRing } from '../process-ring.ts'
import { micros } from './http-clients.ts'
import type { TrialNodes } from './trial-nodes.ts'

const MINUTE = 60_000

export interface DiskLossComponents {
  readonly ring: ProcessRing
  readonly nodes: TrialNodes
  /** Runs the command line against any node that runs. */
  readonly kv: (...argv: string[]) => Promise<void>
  readonly count: (fault: string) => void
  /** Where a copy of a disk can be kept. */
  readonly shelf: string
}

/** A disk loses what it held, or some of it: the one fault that takes a copy of what was acknowledged. */
export class DiskLoss {
  readonly losses: Loss[] = []
  /** The node whose disk it was: one disk of a ring may be lost at a time, so one is lost in all. */
  victim: string | undefined
  private readonly components: DiskLossComponents
  private replaced = false

  constructor(components: DiskLossComponents) {
    this.components = components
  }

  async strike(id: string, prng: Prng): Promise<void> {
    this.victim = id
    await prng.pick([() => this.damage(id, prng), () => this.wipe(id, prng), () => this.restore(id, prng)])()
  }

  /** Starts the node where it has ended; with an empty disk where its own is damaged. */
  async revive(id: string): Promise<void> {
    const { ring, nodes, count } = this.components
    if (ring.node(id).running) return
    try {
      await nodes.start(id)
    } catch (error) {
      if (!/is damaged/.test((error as Error).message)) throw error
      count('replaced disk')
      this.replaced = true
      this.empty(id)
      await nodes.start(id)
    }
  }

  /** Flips a few bytes of a file of the database, while no process has it open. */
  private async damage(id: string, prng: Prng): Promise<void> {
    const { ring, nodes, count } = this.components
    count('damaged file')
    await ring.node(id).end('SIGKILL')
    const from = micros()
    const directory = path.join(nodes.dataOf(id), 'db')
    const files = readdirSync(directory).filter((name) => /\.(?:ldb|log)$|^MANIFEST-/.test(name))
    const sized = files.filter((name) => statSync(path.join(directory, name)).size > 0)
    flip(path.join(directory, prng.pick(sized)), prng)
    await sleep(prng.exponential(500))
    await this.revive(id)
    await this.scrub(id)
    // Where it has noticed nothing by now, what was flipped is in no record, or the log ends before it.
    this.losses.push({ from, until: micros(), unnoticed: !this.replaced })
  }

  private async wipe(id: string, prng: Prng): Promise<void> {
    this.components.count('wiped disk')
    await this.components.ring.node(id).end('SIGKILL')
    this.lose(false)
    this.empty(id)
    await sleep(prng.exponential(500))
    await this.components.nodes.start(id)
  }

  /** Back to what it was a few seconds before, from a copy of the files or, without a trace, of the whole volume. */
  private async restore(id: string, prng: Prng): Promise<void> {
    const { ring, nodes, count, shelf } = this.components
    count('restored disk')
    const unnoticed = prng.chance(0.5)
    await ring.node(id).end('SIGKILL')
    copyDirectory(nodes.dataOf(id), shelf)
    const moment = nodes.momentOf(id)
    await nodes.start(id)
    await sleep(prng.between(2_000, 6_000))
    await ring.node(id).end(prng.pick(['SIGKILL', 'SIGTERM']))
    this.lose(unnoticed)
    copyDirectory(shelf, nodes.dataOf(id))
    if (unnoticed) await hideCopying(nodes.dataOf(id))
    nodes.diskBackTo(id, moment)
    await nodes.start(id)
  }

  private lose(unnoticed: boolean): void {
    const now = micros()
    this.losses.push({ from: now, until: now, unnoticed })
  }

  private empty(id: string): void {
    rmSync(this.components.nodes.dataOf(id), { recursive: true })
    this.components.nodes.diskBackTo(id, 0)
  }

  /** Reads all that it holds, which may be its end. */
  private async scrub(id: string): Promise<void> {
    const { ring, kv } = this.components
    const status = async () => (await (await fetch(`${ring.endpoint(id)}/scrub`)).json()) as ScrubStatus
    try {
      const { passes } = await status()
      await eventually(
        'a scrub to be over',
        async () => {
          const now = await status()
          // While others are out of reach the command may come to nothing.
          if (now.passes === passes && now.state === 'idle') await kv('scrub', 'start', '--node', id)
          return now.passes > passes
        },
        MINUTE,
      )
    } catch (error) {
      if (ring.node(id).running) throw error
    }
    await this.revive(id)
  }
}

function flip(file: string, prng: Prng): void {
  const at = prng.below(statSync(file).size)
  const opened = openSync(file, 'r+')
  const bytes = Buffer.alloc(prng.between(1, 16))
  const read = readSync(opened, bytes, 0, bytes.length, at)
  for (let i = 0; i < read; i++) bytes[i] = (bytes[i] as number) ^ prng.between(1, 255)
  writeSync(opened, bytes, 0, read, at)
  closeSync(opened)
}
