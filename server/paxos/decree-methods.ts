import type { ByteReader, ByteWriter } from '../../shared/wire.ts'
import { type Layout, layoutCodec } from '../membership/layout.ts'
import { readOptionalLayout, writeOptionalLayout } from '../membership/vote.ts'
import type { Method } from '../rpc/method.ts'
import type { Accepted } from './acceptor.ts'
import type { Ballot } from './ballot.ts'

/** Asks a member of layout `version - 1` to take part in a ballot about the next one. */
export interface PrepareRequest {
  readonly version: number
  readonly ballot: Ballot
}

export interface AcceptRequest extends PrepareRequest {
  readonly layout: Layout
}

/**
 * `yes` is durable. `outbid`: a higher ballot has been promised, `ballot`. `decided`: the member goes by a layout with
 * that number, or a higher one, already.
 */
export interface DecreeAnswer {
  readonly answer: 'yes' | 'outbid' | 'decided'
  /** With `outbid`: what was promised. */
  readonly ballot: Ballot | undefined
  /** With `yes` to a prepare: what was accepted last. */
  readonly accepted: Accepted<Layout> | undefined
  /** With `decided`. */
  readonly layout: Layout | undefined
}

const ANSWERS: readonly DecreeAnswer['answer'][] = ['yes', 'outbid', 'decided']

const answerCodec = {
  write: (writer: ByteWriter, { answer, ballot, accepted, layout }: DecreeAnswer): void => {
    writer.u8(ANSWERS.indexOf(answer))
    writeOptionalBallot(writer, ballot)
    writeAccepted(writer, accepted)
    writeOptionalLayout(writer, layout)
  },
  read: (reader: ByteReader): DecreeAnswer => {
    const answer = ANSWERS[reader.u8()]
    if (answer === undefined) throw new RangeError('an answer of no known kind')
    const ballot = readOptionalBallot(reader)
    return { answer, ballot, accepted: readAccepted(reader), layout: readOptionalLayout(reader) }
  },
}

export const DECREE_PREPARE: Method<PrepareRequest, DecreeAnswer> = {
  id: 5,
  name: 'decree-prepare',
  anyLayout: true,
  request: {
    write: (writer, { version, ballot }) => void writeBallot(writer.u53(version), ballot),
    read: (reader) => ({ version: reader.u53(), ballot: readBallot(reader) }),
  },
  response: answerCodec,
}

export const DECREE_ACCEPT: Method<AcceptRequest, DecreeAnswer> = {
  id: 6,
  name: 'decree-accept',
  anyLayout: true,
  request: {
    write: (writer, { version, ballot, layout }) =>
      layoutCodec.write(writeBallot(writer.u53(version), ballot), layout),
    read: (reader) => ({
      version: reader.u53(),
      ballot: readBallot(reader),
      layout: layoutCodec.read(reader),
    }),
  },
  response: answerCodec,
}

export function writeOptionalBallot(writer: ByteWriter, ballot: Ballot | undefined): void {
  writer.flag(ballot !== undefined)
  if (ballot !== undefined) writeBallot(writer, ballot)
}

export function readOptionalBallot(reader: ByteReader): Ballot | undefined {
  return reader.flag() ? readBallot(reader) : undefined
}

export function writeAccepted(writer: ByteWriter, accepted: Accepted<Layout> | undefined): void {
  writer.flag(accepted !== undefined)
  if (accepted !== undefined) layoutCodec.write(writeBallot(writer, accepted.ballot), accepted.value)
}

export function readAccepted(reader: ByteReader): Accepted<Layout> | undefined {
  if (!reader.flag()) return undefined
  const ballot = readBallot(reader)
  return { ballot, value: layoutCodec.read(reader) }
}

function writeBallot(writer: ByteWriter, { round, proposer }: Ballot): ByteWriter {
  return writer.u53(round).text(proposer)
}

function readBallot(reader: ByteReader): Ballot {
  return { round: reader.u53(), proposer: reader.text() }
}
