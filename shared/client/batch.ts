import type { BatchAnswer, BatchOperation } from '../api.ts'
import type { KvError } from '../errors.ts'
import { errorFromBody } from './answers.ts'
import { LinkError } from './exchange.ts'

/** The outcome of one operation of a batch. */
export interface BatchOutcome {
  readonly error?: KvError
  readonly result?: BatchAnswer['result']
}

export function batchBody(operations: readonly BatchOperation[]): Buffer {
  let text = ''
  for (const operation of operations) text += `${JSON.stringify(operation)}\n`
  return Buffer.from(text, 'utf8')
}

/** The answer to line `line`. @throws LinkError where it is the answer to another, or none at all. */
export function batchOutcome(value: unknown, line: number): BatchOutcome {
  const error = errorFromBody(value)
  if (error) return { error }
  const answer = value as Partial<BatchAnswer> | null
  if (answer?.line !== line) throw new LinkError(`line ${line} of a batch was not answered`, true, false)
  return { result: answer.result }
}
