import type { TSchema } from 'typebox'
import { ERRORS, type ErrorCode } from '../../../shared/errors.ts'
import { ErrorBody } from './schemas.ts'

/** What OpenAPI says about one route; @fastify/swagger reads it as the route's schema. */
export interface Operation {
  readonly summary: string
  readonly description: string
  readonly tags: readonly string[]
  readonly params?: unknown
  readonly querystring?: unknown
  readonly headers?: unknown
  readonly body?: unknown
  readonly response: Readonly<Record<number, unknown>>
}

export function content(type: string, description: string, schema: TSchema, example: unknown): unknown {
  return { description, content: { [type]: { schema: { ...schema, examples: [example] } } } }
}

export function json(description: string, schema: TSchema, example: unknown): unknown {
  return content('application/json', description, schema, example)
}

/** The answers that say an error of the table, by status. */
export function errors(...codes: ErrorCode[]): Record<number, unknown> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of codes)
    byStatus.set(ERRORS[code].http, [...(byStatus.get(ERRORS[code].http) ?? []), code])
  const answers: Record<number, unknown> = {}
  for (const [status, group] of byStatus) {
    const [code] = group as [ErrorCode]
    const { definite, retryable, meaning } = ERRORS[code]
    const example = { error: { code, message: meaning, definite, retryable, hint: 'what to do next' } }
    answers[status] = json(
      group.map((each) => `${each}: ${ERRORS[each].meaning}`).join('; '),
      ErrorBody,
      example,
    )
  }
  return answers
}
