import type { LayoutResult } from '../../shared/api.ts'
import { ALIVE_FOR_MS } from '../../shared/client/endpoints.ts'
import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 15_000
const NOBODY = 0xffff

interface Lane {
  readonly endpoint: string
  /** When it answered last. */
  heardMs: number
  pauseMs: number
  pausedUntilMs: number
}

/** The endpoints that records are sent to: each key to an owner of its slot, and past those that do not answer. */
export class Lanes {
  private readonly lanes: readonly Lane[]
  private readonly owners: Uint16Array
  private readonly width: number
  private readonly monotonicMs: () => number
  private turn = 0

  constructor(endpoints: readonly string[], layout: LayoutResult | undefined, monotonicMs: () => number) {
    const given = endpoints.map((endpoint) => endpoint.replace(/\/+$/, ''))
    const members = layout?.members.map((member) => member.http.replace(/\/+$/, '')) ?? []
    // The given ones stand behind the owners: the names that nodes have for themselves may not be known here.
    const all = [...members, ...given.filter((endpoint) => !members.includes(endpoint))]
    this.lanes = all.map((endpoint) => {
      return { endpoint, heardMs: Number.NEGATIVE_INFINITY, pauseMs: FIRST_PAUSE_MS, pausedUntilMs: 0 }
    })
    this.owners = layout ? readOwners(layout.owners) : new Uint16Array()
    this.width = layout?.width ?? 0
    this.monotonicMs = monotonicMs
  }

  get count(): number {
    return this.lanes.length
  }

  endpoint(lane: number): string {
    return (this.lanes[lane] as Lane).endpoint
  }

  /** The lane of the first owner that answers; any other that does where none of them is known to. */
  route(key: Key): number {
    const row = this.width === 0 ? 0 : slotOf(key) * this.width
    for (let i = 0; i < this.width; i++) {
      const lane = this.owners[row + i] as number
      if (lane !== NOBODY && this.isUp(lane) && this.endpoint(lane) !== '') return lane
    }
    return this.another(this.turn)
  }

  /** The next lane after this one, in turn, that is up; just the next where none is. */
  another(lane: number): number {
    this.turn = (this.turn + 1) % this.lanes.length
    for (let i = 1; i <= this.lanes.length; i++) {
      const candidate = (lane + i) % this.lanes.length
      if (this.isUp(candidate)) return candidate
    }
    return (lane + 1) % this.lanes.length
  }

  isUp(lane: number): boolean {
    return (this.lanes[lane] as Lane).pausedUntilMs <= this.monotonicMs()
  }

  /** It has answered a moment ago. */
  isAlive(lane: number): boolean {
    return this.monotonicMs() - (this.lanes[lane] as Lane).heardMs <= ALIVE_FOR_MS
  }

  failed(index: number): void {
    const lane = this.lanes[index] as Lane
    lane.heardMs = Number.NEGATIVE_INFINITY
    lane.pausedUntilMs = this.monotonicMs() + lane.pauseMs
    lane.pauseMs = Math.min(lane.pauseMs * 2, LONGEST_PAUSE_MS)
  }

  answered(index: number): void {
    const lane = this.lanes[index] as Lane
    lane.heardMs = this.monotonicMs()
    lane.pausedUntilMs = 0
    lane.pauseMs = FIRST_PAUSE_MS
  }
}

function readOwners(text: string): Uint16Array {
  const bytes = Buffer.from(text, 'base64')
  return Uint16Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readUInt16BE(i * 2))
}
