import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CountResult, ScanEnd, ScanEntry } from '../../shared/api.ts'
import { encodeBytes, encodeKey } from '../../shared/encoding.ts'
import type { Coordinator, ScanPage } from '../coordinator/outcome.ts'
import type { ApiContext } from './context.ts'
import { apiError } from './errors.ts'
import { PageSize } from './page-size.ts'
import { integerIn, parseQuery, queryOf, switchIn } from './query.ts'
import type { Route } from './route.ts'

interface Scan {
  readonly prefix: string
  readonly cursor: string | undefined
  readonly limit: number
  readonly values: boolean
}

/** GET /scan and GET /count: all that the ring holds under a prefix, page by page. */
export function scanRoutes({ node, clock }: ApiContext): Route[] {
  const scan = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const query = parseQuery(queryOf(request.originalUrl), ['prefix', 'limit', 'values', 'cursor'])
    const wanted: Scan = {
      prefix: query.get('prefix') ?? '',
      cursor: query.get('cursor') || undefined,
      limit: integerIn(query, 'limit', 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
      values: switchIn(query, 'values') ?? true,
    }
    const pages = pagesOf(node().coordinator, wanted)
    // The first page before the first byte: what goes wrong there still has a status of its own.
    const first = await pages.next()
    const lines = linesOf(first.done ? { entries: [] } : first.value, pages)
    return reply.header('Content-Type', 'application/x-ndjson').send(Readable.from(lines))
  }

  const count = async (request: FastifyRequest): Promise<CountResult> => {
    const query = parseQuery(queryOf(request.originalUrl), ['prefix', 'cursor', 'within'])
    const prefix = query.get('prefix') ?? ''
    const withinMs = integerIn(query, 'within', 1, 600_000) ?? Number.POSITIVE_INFINITY
    const startedMs = clock.monotonicMs()
    const from = { prefix, cursor: query.get('cursor') || undefined, values: false }
    let count = 0
    let cursor: string | undefined
    for await (const page of pagesOf(node().coordinator, { ...from, limit: Number.POSITIVE_INFINITY })) {
      count += page.entries.length
      cursor = page.cursor
      if (clock.monotonicMs() - startedMs >= withinMs) break
    }
    const { key, keyEncoding } = encodeKey(prefix)
    const asked = { prefix: key, ...(keyEncoding === undefined ? {} : { prefixEncoding: keyEncoding }) }
    return cursor === undefined ? { ...asked, count } : { ...asked, count, cursor }
  }

  return [
    { method: 'GET', path: '/scan', handler: scan },
    { method: 'GET', path: '/count', handler: count },
  ]
}

/** The pages of a scan, up to its limit. */
async function* pagesOf(
  coordinator: Coordinator,
  { prefix, limit, values, ...from }: Scan,
): AsyncGenerator<ScanPage, void> {
  const size = new PageSize(values)
  let { cursor } = from
  let left = limit
  do {
    const page = await coordinator.scan({ prefix, cursor, values, limit: Math.min(left, size.next()) })
    size.saw(page.entries)
    left -= page.entries.length
    cursor = page.cursor
    yield page
  } while (cursor !== undefined && left > 0)
}

/** One text for each page, and the last line: how the scan ended. */
async function* linesOf(first: ScanPage, pages: AsyncGenerator<ScanPage, void>): AsyncGenerator<string> {
  let last = first
  let count = 0
  try {
    yield textOf(first)
    count += first.entries.length
    for await (const page of pages) {
      last = page
      count += page.entries.length
      yield textOf(page)
    }
  } catch (error) {
    yield `${JSON.stringify(apiError(error).toBody())}\n`
    return
  }
  const end: ScanEnd =
    last.cursor === undefined ? { end: true, count } : { end: true, count, cursor: last.cursor }
  yield `${JSON.stringify(end)}\n`
}

function textOf({ entries }: ScanPage): string {
  let lines = ''
  for (const { key, value } of entries) {
    const entry: ScanEntry = encodeKey(key)
    if (value !== undefined) {
      const { text, encoding } = encodeBytes(value)
      entry.value = text
      entry.encoding = encoding
    }
    lines += `${JSON.stringify(entry)}\n`
  }
  return lines
}
