import { KvError } from '../../shared/errors.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import { isMember, type Layout } from '../membership/layout.ts'
import type { LayoutStore } from '../membership/layout-store.ts'
import type { NodeId } from '../ports/network.ts'
import type { Storage } from '../ports/storage.ts'
import type { GroupCommit } from '../replica/group-commit.ts'
import type { Reply, Rpc } from '../rpc/method.ts'
import { type AcceptorState, accept, prepare, UNDECIDED } from './acceptor.ts'
import {
  type AcceptRequest,
  DECREE_ACCEPT,
  DECREE_PREPARE,
  type DecreeAnswer,
  type PrepareRequest,
  readAccepted,
  readOptionalBallot,
  writeAccepted,
  writeOptionalBallot,
} from './decree-methods.ts'

const KEY = Buffer.from('mdecree')
const FORMAT = 1

export interface LayoutVoterComponents {
  readonly rpc: Rpc
  readonly storage: Storage
  readonly commit: GroupCommit
  readonly layouts: LayoutStore
}

/**
 * This node's voice in the layout that follows its own: an acceptor for one number at a time. What it promises and
 * accepts is durable before anybody hears of it.
 */
export class LayoutVoter {
  private readonly components: LayoutVoterComponents
  private readonly self: NodeId
  private number = 0
  private state: AcceptorState<Layout> = UNDECIDED

  constructor(components: LayoutVoterComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
    components.rpc.handle(DECREE_PREPARE, (_from, request, reply) => this.prepare(request, reply))
    components.rpc.handle(DECREE_ACCEPT, (_from, request, reply) => this.accept(request, reply))
  }

  /** @throws RangeError or KvError where what was promised is unreadable. */
  recover(): void {
    const bytes = this.components.storage.get(KEY)
    if (bytes === undefined) return
    const reader = new ByteReader(bytes)
    const format = reader.u8()
    if (format !== FORMAT)
      throw new RangeError(`a layout vote in format ${format}; this version reads ${FORMAT}`)
    this.number = reader.u53()
    this.state = { promised: readOptionalBallot(reader), accepted: readAccepted(reader) }
    reader.done()
  }

  prepare({ version, ballot }: PrepareRequest, reply: Reply<DecreeAnswer>): void {
    if (this.settled(version, reply)) return
    const next = prepare(this.state, ballot)
    if (next === undefined) return reply(undefined, this.outbid())
    const { accepted } = next
    this.keep(next, reply, { answer: 'yes', ballot: undefined, accepted, layout: undefined })
  }

  accept({ version, ballot, layout }: AcceptRequest, reply: Reply<DecreeAnswer>): void {
    if (this.settled(version, reply)) return
    const current = this.components.layouts.layout()
    if (layout.version !== version || layout.ringId !== current?.ringId)
      return reply(new KvError('usage', `that is no layout ${version} of this ring`))
    const next = accept(this.state, ballot, layout)
    if (next === undefined) return reply(undefined, this.outbid())
    this.keep(next, reply, { answer: 'yes', ballot: undefined, accepted: undefined, layout: undefined })
  }

  /** Replies where this node has no say in the layout with that number; otherwise it is the one that is voted on. */
  private settled(version: number, reply: Reply<DecreeAnswer>): boolean {
    const { layouts, commit } = this.components
    const layout = layouts.layout()
    const number = (layout?.version ?? 0) + 1
    if (layout !== undefined && version < number) {
      reply(undefined, { answer: 'decided', ballot: undefined, accepted: undefined, layout })
      return true
    }
    const why = this.objection(layout, version)
    const error = why === undefined ? commit.failed : new KvError('not_ready', why, 'try again')
    if (error !== undefined) {
      reply(error)
      return true
    }
    if (this.number !== number) {
      this.number = number
      this.state = UNDECIDED
    }
    return false
  }

  private objection(layout: Layout | undefined, version: number): string | undefined {
    const { layouts } = this.components
    if (layout === undefined || version > layout.version + 1)
      return `${this.self} goes by layout ${layout?.version ?? 0}`
    if (layouts.busy()) return `${this.self} is taking a layout over`
    if (!isMember(layout, this.self)) return `${this.self} is no member`
    if (!layouts.mayVoteOn(version))
      return `the disk of ${this.self} is newer than the votes about layout ${version}`
    return undefined
  }

  private keep(next: AcceptorState<Layout>, reply: Reply<DecreeAnswer>, answer: DecreeAnswer): void {
    this.state = next
    const value = new ByteWriter().u8(FORMAT).u53(this.number)
    writeOptionalBallot(value, next.promised)
    writeAccepted(value, next.accepted)
    this.components.commit.add({ type: 'put', key: KEY, value: value.finish() }, (error) =>
      error === undefined ? reply(undefined, answer) : reply(error),
    )
  }

  private outbid(): DecreeAnswer {
    return { answer: 'outbid', ballot: this.state.promised, accepted: undefined, layout: undefined }
  }
}
