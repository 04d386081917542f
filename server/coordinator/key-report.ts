import { createHash } from 'node:crypto'
import { encodeKey } from '../../shared/encoding.ts'
import type { Key } from '../../shared/key.ts'
import type {
  CopyDifference,
  CopyReport,
  KeyNodeReport,
  KeyReport,
  VersionReport,
} from '../../shared/key-report.ts'
import { slotOf } from '../../shared/slot.ts'
import { compareDots, sameDot } from '../causality/dot.ts'
import { EMPTY_RECORD, type KeyRecord, type Sibling } from '../causality/record.ts'
import { encodeRecord } from '../causality/record-codec.ts'
import { isVoid } from '../causality/retirement.ts'
import { compareStamps, stampTime } from '../causality/stamp.ts'
import { versionOf, writerOf } from '../causality/version.ts'
import { vectorEquals } from '../causality/version-vector.ts'
import { isLive } from '../causality/write.ts'
import { type Holding, mergedOf } from './holding.ts'
import { type ForecastSettings, forecastReads } from './read-forecast.ts'

const DIGEST_DIGITS = 16

/** What the nodes hold of a key, in the words of the API. */
export function keyReport(key: Key, holdings: readonly Holding[], settings: ForecastSettings): KeyReport {
  const merged = mergedOf(holdings)
  const owners = holdings.filter(({ role }) => role === 'owner')
  return {
    ...encodeKey(key),
    slot: slotOf(key),
    n: settings.n,
    conflicts: settings.policy,
    same: owners.every((owner) => isSound(key, owner, merged)),
    merged: copyReport(key, merged, settings.wallMs),
    nodes: holdings.map((holding) => nodeReport(key, holding, merged, settings.wallMs)),
    reads: forecastReads(holdings, settings),
  }
}

/** Whether the owner was reached, and its own data are all that is known. */
export function isSound(key: Key, { answered, problem, data }: Holding, merged: KeyRecord): boolean {
  if (!answered || problem !== '') return false
  return data === merged || encodeRecord(key, data).equals(encodeRecord(key, merged))
}

function nodeReport(key: Key, holding: Holding, merged: KeyRecord, wallMs: number): KeyNodeReport {
  const { id, role, state, answered, data, hints } = holding
  const problem = problemOf(holding)
  const differs = role === 'owner' && answered && !isSound(key, { ...holding, problem: '' }, merged)
  return {
    id,
    role,
    state,
    answered,
    problem,
    copy: copyReport(key, data, wallMs),
    hints: hints.flatMap(({ target, record }) => {
      const copy = copyReport(key, record, wallMs)
      return copy === null ? [] : [{ for: target, copy }]
    }),
    ...(differs ? { difference: differenceOf(data, merged) } : {}),
  }
}

function problemOf({ answered, problem, complete }: Holding): string {
  if (problem !== '' || complete || !answered) return problem
  return 'it has to be given what else there is of the slot: until it is filled, reads do not count it'
}

function copyReport(key: Key, record: KeyRecord, wallMs: number): CopyReport | null {
  if (record === EMPTY_RECORD) return null
  const bytes = encodeRecord(key, record)
  const past = [...record.past].map(([actor, counter]) => ({ actor, counter }))
  return {
    digest: digestOf(bytes),
    bytes: bytes.length,
    versions: record.siblings.map((sibling) => versionReport(record, sibling, wallMs)),
    past: past.sort(compareDots),
    retired: record.retired.length,
  }
}

function versionReport(record: KeyRecord, sibling: Sibling, wallMs: number): VersionReport {
  const { value, stamp, expiresAtMs } = sibling
  const dead = value === null ? 'deleted' : 'expired'
  return {
    version: versionOf([sibling]),
    node: writerOf(nameOf(sibling)),
    time: stampTime(stamp.wallMs),
    logical: stamp.logical,
    state: isVoid(record, sibling) ? 'void' : isLive(sibling, wallMs) ? 'live' : dead,
    bytes: value?.length ?? 0,
    digest: value === null ? '' : digestOf(value),
    ...(expiresAtMs === 0 ? {} : { expiresAt: stampTime(expiresAtMs) }),
  }
}

function differenceOf(copy: KeyRecord, merged: KeyRecord): CopyDifference {
  const missing = (from: KeyRecord, of: KeyRecord) =>
    of.siblings.filter(({ dot }) => !from.siblings.some((other) => sameDot(other.dot, dot)))
  const restamped = copy.siblings.filter((sibling) =>
    merged.siblings.some(
      (other) => sameDot(other.dot, sibling.dot) && compareStamps(other.stamp, sibling.stamp) !== 0,
    ),
  )
  return {
    lacks: missing(copy, merged).map(nameOf),
    outdated: missing(merged, copy).map(nameOf),
    restamped: restamped.map(nameOf),
    pastDiffers:
      !vectorEquals(copy.past, merged.past) ||
      JSON.stringify(copy.retired) !== JSON.stringify(merged.retired),
  }
}

function nameOf(sibling: Sibling): string {
  return versionOf([sibling])
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, DIGEST_DIGITS)
}
