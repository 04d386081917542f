import path from 'node:path'
import { KvError } from '../../shared/errors.ts'
import { DelimitedParser } from './csv.ts'
import { JsonArrayParser } from './json-array.ts'
import { NdjsonParser } from './ndjson.ts'
import type { Parser } from './parser.ts'
import { RedisParser } from './redis.ts'

export const FORMATS = ['csv', 'tsv', 'ndjson', 'json', 'redis'] as const

export type Format = (typeof FORMATS)[number]

const EXTENSIONS: ReadonlyMap<string, Format> = new Map([
  ['.csv', 'csv'],
  ['.tsv', 'tsv'],
  ['.tab', 'tsv'],
  ['.ndjson', 'ndjson'],
  ['.jsonl', 'ndjson'],
  ['.json', 'json'],
  ['.redis', 'redis'],
  ['.resp', 'redis'],
])

/** The format that the name of a file tells. @throws KvError `usage` where it tells none. */
export function guessFormat(file: string): Format {
  const format = EXTENSIONS.get(path.extname(file).toLowerCase())
  if (format) return format
  throw new KvError('usage', 'the format cannot be told from the name', `give --format ${FORMATS.join('|')}`)
}

export interface ParserOptions {
  readonly columns?: readonly string[] | undefined
  readonly needed: readonly string[]
}

export function makeParser(format: Format, options: ParserOptions): Parser {
  switch (format) {
    case 'csv':
      return new DelimitedParser({ delimiter: ',', quoting: true, ...options })
    case 'tsv':
      return new DelimitedParser({ delimiter: '\t', quoting: false, ...options })
    case 'ndjson':
      return new NdjsonParser()
    case 'json':
      return new JsonArrayParser()
    case 'redis':
      return new RedisParser()
  }
}
