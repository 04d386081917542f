import { LinkError } from './exchange.ts'

const NEWLINE = 0x0a

/** The JSON values of a stream with one on each line. @throws LinkError for a line that is not JSON. */
export async function* ndjson(chunks: AsyncIterable<Buffer>): AsyncIterable<unknown> {
  let rest: Buffer[] = []
  for await (const chunk of chunks) {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start)
      if (end < 0) break
      const line = chunk.subarray(start, end)
      const whole = rest.length === 0 ? line : Buffer.concat([...rest, line])
      rest = []
      start = end + 1
      if (whole.length > 0) yield parse(whole)
    }
    if (start < chunk.length) rest.push(chunk.subarray(start))
  }
  const last = Buffer.concat(rest)
  if (last.length > 0) yield parse(last)
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'))
  } catch {
    throw new LinkError('the answer is not NDJSON', true, false)
  }
}
