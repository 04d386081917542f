import path from 'node:path'
import type { Prng } from '../../simulation/prng.ts'
import type { KvUser } from '../kv-user.ts'
import type { ProcessRing, ProcessSettings } from '../process-ring.ts'
import type { SmallDisk } from '../small-disk.ts'
import type { Recording } from './recording.ts'

/** Below this the node on the small disk takes no more writes. */
const MIN_FREE_BYTES = 16 * 1024 * 1024

export interface TrialNodesSettings {
  /** How far the clocks of two nodes may be apart, milliseconds. */
  readonly skewMs: number
  /** A text that every record is lost with, on every disk; undefined for disks that keep what they are given. */
  readonly loses?: string | undefined
}

/** The nodes of a ring, each with what its next process is started with: recorded, and with a clock of its own. */
export class TrialNodes {
  readonly ids = ['n1', 'n2', 'n3', 'n4', 'n5']
  readonly onSmallDisk = 'n5'
  private readonly user: KvUser
  private readonly recording: Recording
  private readonly prng: Prng
  private readonly disk: SmallDisk | undefined
  private readonly settings: TrialNodesSettings
  private ring: ProcessRing | undefined

  constructor(
    components: { user: KvUser; recording: Recording; prng: Prng; disk: SmallDisk | undefined },
    settings: TrialNodesSettings,
  ) {
    this.user = components.user
    this.recording = components.recording
    this.prng = components.prng
    this.disk = components.disk
    this.settings = settings
  }

  async startAll(ring: ProcessRing): Promise<void> {
    this.ring = ring
    await ring.start(Object.fromEntries(this.ids.map((id) => [id, this.nextProcess(id)])))
  }

  /** @throws Error where it does not come to listen. */
  async start(id: string): Promise<void> {
    await this.ring?.startNode(id, this.nextProcess(id))
  }

  /** What its disk holds now, between two processes: 0 is nothing. */
  momentOf(id: string): number {
    return this.recording.momentOf(id)
  }

  /** Its disk holds what it held then. */
  diskBackTo(id: string, moment: number): void {
    this.recording.diskBackTo(id, moment)
  }

  /** Where its data is found from here. */
  dataOf(id: string): string {
    return this.disk !== undefined && id === this.onSmallDisk
      ? path.join(this.disk.outside, id)
      : this.user.file(id)
  }

  private nextProcess(id: string): ProcessSettings {
    const { skewMs, loses } = this.settings
    const env = {
      ...this.recording.next(id),
      CLOCK_AHEAD_MS: String(this.prng.between(-skewMs / 2, skewMs / 2)),
      ...(loses === undefined ? {} : { LOSES_VALUES_WITH: loses }),
    }
    if (this.disk === undefined || id !== this.onSmallDisk) return { env }
    return {
      env,
      through: this.disk.through,
      data: path.join(this.disk.path, id),
      flags: ['--min-free-bytes', String(MIN_FREE_BYTES)],
    }
  }
}
