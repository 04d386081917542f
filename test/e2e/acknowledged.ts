import { connect } from '../../cli/connect.ts'
import type { ReadResult } from '../../shared/api.ts'

const BATCH = 500
const AT_ONCE = 4

export interface Reading {
  /** Reads that were made. */
  readonly reads: number
  /** `key: what was wrong`, of the first few. */
  readonly wrong: readonly string[]
}

/** Reads keys through one endpoint, each with the ring's own R, and compares. */
export async function readBack(
  endpoint: string,
  entries: readonly (readonly [key: string, value: string])[],
): Promise<Reading> {
  const client = connect({ endpoints: [endpoint], timeoutMs: 30_000 })
  const wrong: string[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < entries.length) {
      const part = entries.slice(next, next + BATCH)
      next += BATCH
      const gets = part.map(([key]) => ({ op: 'get' as const, key }))
      let i = 0
      for await (const outcomes of client.batch(endpoint, gets)) {
        for (const { result, error } of outcomes) {
          const [key, value] = part[i++] as [string, string]
          const found = (result as ReadResult | undefined)?.value
          if (found !== value && wrong.length < 10)
            wrong.push(`${key}: ${error?.message ?? `${found}, not ${value}`}`)
        }
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  } finally {
    client.close()
  }
  return { reads: entries.length, wrong }
}
