import { LinkError } from './exchange.ts'

const NEWLINE = 0x0a

/**
 * The JSON values of a stream with one on each line, together as they arrive: a wait for each of thousands would cost
 * more than the values. @throws LinkError for a line that is not JSON.
 */
export async function* ndjson(chunks: AsyncIterable<Buffer>): AsyncIterable<readonly unknown[]> {
  let rest: Buffer[] = []
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(NEWLINE)
    if (end < 0) rest.push(chunk)
    else {
      const lines = chunk.subarray(0, end)
      const whole = rest.length === 0 ? lines : Buffer.concat([...rest, lines])
      rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : []
      yield* parsed(whole)
    }
  }
  yield* parsed(Buffer.concat(rest))
}

/** What stands before a line that is not JSON is given first. */
function* parsed(lines: Buffer): Iterable<readonly unknown[]> {
  const values: unknown[] = []
  let broken = false
  for (const line of lines.toString('utf8').split('\n')) {
    if (line === '') continue
    try {
      values.push(JSON.parse(line))
    } catch {
      broken = true
      break
    }
  }
  if (values.length > 0) yield values
  if (broken) throw new LinkError('the answer is not NDJSON', true, false)
}
