import type { Encoding } from '../../shared/api.ts'
import { decodeBytes, encodeBytes } from '../../shared/encoding.ts'
import { KvError } from '../../shared/errors.ts'
import { type Key, keyFromBytes, keyFromText } from '../../shared/key.ts'
import type { Pair, Row } from './parser.ts'
import { field, Template } from './template.ts'

/** What to write for one record. */
export interface Entry {
  readonly key: Key
  readonly value: string
  readonly encoding: Encoding
  readonly ttlMs?: number | undefined
}

/** Turns a record into what is written for it. @throws KvError `usage` or `too_large` saying what is wrong with it. */
export type Mapping = (record: Row | Pair) => Entry

export interface MappingOptions {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

/** The fields that every record must have. */
export function neededFields(options: MappingOptions): readonly string[] {
  const keys = options.key === undefined ? ['key'] : new Template(options.key).names
  const values = options.value !== undefined ? [options.value] : options.key === undefined ? ['value'] : []
  return [...keys, ...values]
}

/**
 * `key` is a template and `value` a field; without `value` the whole record is the value, as JSON.
 * Without either, records are those of `kv export`: key, value, and how each is encoded.
 */
export function makeMapping(options: MappingOptions): Mapping {
  const template = options.key === undefined ? undefined : new Template(options.key)
  const valueField = options.value
  return (record) => {
    if (record.kind === 'pair')
      return { key: keyFromBytes(record.key), ...encoded(record.value), ttlMs: record.ttlMs }
    const { fields } = record
    const key = template ? checkedKey(template.fill(fields)) : exportedKey(fields)
    if (valueField !== undefined) return { key, ...text(asText(field(fields, valueField))) }
    if (template) return { key, ...text(record.json()) }
    return { key, ...encoded(decodeBytes(asText(field(fields, 'value')), encodingOf(fields, 'encoding'))) }
  }
}

function exportedKey(fields: Row['fields']): Key {
  return keyFromBytes(decodeBytes(checkText(asText(field(fields, 'key'))), encodingOf(fields, 'keyEncoding')))
}

function encodingOf(fields: Row['fields'], name: string): Encoding {
  const encoding = fields[name]
  // A CSV of keys that are all UTF-8 leaves the column empty.
  return encoding === undefined || encoding === '' ? 'utf8' : (String(encoding) as Encoding)
}

function asText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function checkedKey(key: string): Key {
  return keyFromText(checkText(key))
}

const LONE_SURROGATE = /\p{Surrogate}/u

/** Half a surrogate pair is no character: written as UTF-8 it would become another text. */
function checkText(value: string): string {
  if (LONE_SURROGATE.test(value)) throw new KvError('usage', 'the text holds half a surrogate pair')
  return value
}

function text(value: string): Pick<Entry, 'value' | 'encoding'> {
  return { value: checkText(value), encoding: 'utf8' }
}

function encoded(bytes: Buffer): Pick<Entry, 'value' | 'encoding'> {
  const { text: value, encoding } = encodeBytes(bytes)
  return { value, encoding }
}
