import { expect } from 'chai'
import { parse as parseCsv } from 'csv-parse/sync'
import fc from 'fast-check'
import { type Format, makeParser } from '../../../cli/import/format.ts'
import { makeMapping } from '../../../cli/import/mapping.ts'
import type { Parsed } from '../../../cli/import/parser.ts'
import { csvHeader, csvLine, ndjsonLine } from '../../../cli/render/export-line.ts'
import { decodeBytes, encodeBytes, encodeKey } from '../../../shared/encoding.ts'
import { keyFromBytes } from '../../../shared/key.ts'

/** Parses `bytes` cut into pieces of the given sizes, over and over. */
function parse(format: Format, bytes: Buffer, sizes: readonly number[], columns?: string[]): Parsed[] {
  const parser = makeParser(format, { columns, needed: [] })
  const records: Parsed[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] as number
    records.push(...parser.push(bytes.subarray(at, at + size)))
    at += size
  }
  return [...records, ...parser.end()]
}

function fieldsOf(records: readonly Parsed[]): unknown[] {
  return records.map((record) => (record.kind === 'row' ? { ...record.fields } : record))
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r\n', 'a', ' ', 'é', '𝄞') }),
)

describe('the parsers of an import, whatever the pieces that their source comes in', () => {
  it('csv reads what csv-parse reads', () => {
    const newline = fc.constantFrom('\n', '\r\n')
    const table = fc
      .integer({ min: 1, max: 4 })
      .chain((width) => fc.array(fc.array(text, { minLength: width, maxLength: width }), { maxLength: 6 }))
    fc.assert(
      fc.property(table, newline, fc.boolean(), sizes, (rows, end, quoteAll, cuts) => {
        const field = (value: string): string =>
          quoteAll || /["\r\n,]/.test(value) || value === '' ? `"${value.replaceAll('"', '""')}"` : value
        const source = rows.map((row) => row.map(field).join(',') + end).join('')
        const columns = (rows[0] ?? ['a']).map((_, index) => `c${index}`)
        const expected = parseCsv(source, {
          columns,
          skip_empty_lines: true,
          record_delimiter: ['\n', '\r\n'],
        })
        const bytes = Buffer.from(source, 'utf8')
        expect(fieldsOf(parse('csv', bytes, cuts, columns))).to.deep.equal(expected)
      }),
    )
  })

  it('csv loses one line, and no more, to a quote that is never closed', () => {
    const source = Buffer.from('a,b\n1,2\n"3,4\n5,6\n7,"8"x\n9,10\n11\n12,13')
    fc.assert(
      fc.property(sizes, (cuts) => {
        const records = parse('csv', source, cuts)
        expect(records.map((record) => [record.line, record.kind])).to.deep.equal([
          [2, 'row'],
          [3, 'malformed'],
          [4, 'row'],
          [5, 'malformed'],
          [6, 'row'],
          [7, 'malformed'],
          [8, 'row'],
        ])
      }),
    )
  })

  it('ndjson and a json array give the same records, with their lines', () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 8 }),
        sizes,
        (values, cuts) => {
          const lines = values.map((value) => JSON.stringify(value))
          const ndjson = parse('ndjson', Buffer.from(lines.join('\r\n')), cuts)
          const array = parse('json', Buffer.from(`[\n${lines.join(',\n')}\n]\n`), cuts)
          const expected = JSON.parse(JSON.stringify(values)) as unknown[]
          for (const records of [ndjson, array]) {
            expect(records.map((record) => record.kind === 'row' && JSON.parse(record.json()))).to.deep.equal(
              expected,
            )
          }
          expect(array.map((record) => record.line)).to.deep.equal(values.map((_, index) => index + 2))
        },
      ),
    )
  })

  it('a broken json element or line costs only itself', () => {
    fc.assert(
      fc.property(sizes, (cuts) => {
        const kinds = (format: Format, source: string): string[] =>
          parse(format, Buffer.from(source), cuts).map(({ kind }) => kind)
        expect(kinds('json', '[{"a":1}, nope, {"b":"]"},, 3]')).to.deep.equal([
          'row',
          'malformed',
          'row',
          'malformed',
          'row',
        ])
        expect(kinds('json', '[1, {"a":')).to.deep.equal(['row', 'malformed'])
        expect(kinds('ndjson', '{"a":1}\n{"a":\n\n{"b":2}')).to.deep.equal(['row', 'malformed', 'row'])
      }),
    )
  })

  it('redis commands carry every byte, as arrays and as quoted lines', () => {
    const pairs = fc.array(
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.uint8Array({ maxLength: 20 })),
      { minLength: 1, maxLength: 6 },
    )
    fc.assert(
      fc.property(pairs, sizes, (entries, cuts) => {
        const bulk = (bytes: Uint8Array): Buffer =>
          Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')])
        const resp = Buffer.concat(
          entries.flatMap(([key, value]) => [Buffer.from('*3\r\n$3\r\nSET\r\n'), bulk(key), bulk(value)]),
        )
        const quoted = (bytes: Uint8Array): string =>
          `"${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`
        const lines = Buffer.from(
          entries.map(([key, value]) => `set ${quoted(key)} ${quoted(value)}\n`).join(''),
        )
        const expected = entries.map(([key, value]) => [Buffer.from(key), Buffer.from(value)])
        for (const source of [resp, lines]) {
          const records = parse('redis', source, cuts)
          expect(records.map((record) => record.kind === 'pair' && [record.key, record.value])).to.deep.equal(
            expected,
          )
        }
      }),
    )
  })

  it('an import reads every byte that an export wrote, in both of its formats', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 30 }),
        fc.uint8Array({ maxLength: 30 }),
        sizes,
        (keyBytes, valueBytes, cuts) => {
          const key = keyFromBytes(keyBytes)
          const { text: value, encoding } = encodeBytes(Buffer.from(valueBytes))
          const entry = { ...encodeKey(key), value, encoding }
          const mapping = makeMapping({})
          for (const [format, source] of [
            ['ndjson', ndjsonLine(entry)],
            ['csv', csvHeader() + csvLine(entry)],
          ] as const) {
            const [record] = parse(format, Buffer.from(source), cuts)
            expect(record?.kind).to.equal('row')
            const read = mapping(record as Parsed & { kind: 'row' })
            expect(read.key).to.equal(key)
            expect(decodeBytes(read.value, read.encoding).equals(Buffer.from(valueBytes))).to.equal(true)
          }
        },
      ),
    )
  })
})
