/**
 * Every error that kvring can answer, in one table. The HTTP API, the peer protocol, the client and the
 * command line all read it, so a code means the same thing everywhere.
 *
 * `definite` says whether the operation certainly did not and will not take effect. An indefinite error
 * (a timed-out write) may have been applied, or may still be: its outcome is unknown, never "failed".
 * `retryable` says whether the same request may succeed later without a change.
 */
export interface ErrorKind {
  readonly definite: boolean
  readonly retryable: boolean
  readonly http: number
  readonly exit: number
  readonly meaning: string
}

const kind = (
  definite: boolean,
  retryable: boolean,
  http: number,
  exit: number,
  meaning: string,
): ErrorKind => ({
  definite,
  retryable,
  http,
  exit,
  meaning,
})

export const ERRORS = {
  usage: kind(true, false, 400, 2, 'the request is malformed or an argument is out of range'),
  unauthorized: kind(true, false, 401, 7, 'no valid key or secret was presented'),
  forbidden: kind(true, false, 403, 7, 'the key or setting does not allow this operation'),
  not_found: kind(true, false, 404, 3, 'the key, node or fault does not exist'),
  conflict: kind(true, false, 409, 4, 'the state of the ring does not allow the change'),
  cas_mismatch: kind(true, false, 409, 4, 'the current value is not the expected one'),
  too_large: kind(true, false, 413, 2, 'a key, value or request is over its limit'),
  overloaded: kind(true, true, 429, 1, 'a bounded queue is full; slow down and try again'),
  no_quorum: kind(true, true, 503, 5, 'too few replicas are reachable; nothing was applied'),
  not_ready: kind(true, true, 503, 5, 'the node has no layout yet, or is starting or draining'),
  clock_skew: kind(true, true, 503, 5, 'the clock of a node is too far from that of its peers'),
  storage_failed: kind(true, true, 503, 5, 'the disk of the node refused the operation; nothing was applied'),
  outcome_unknown: kind(false, true, 504, 6, 'no answer in time: the write may or may not have been applied'),
  read_timeout: kind(true, true, 504, 1, 'too few replicas answered the read in time'),
  unreachable: kind(true, true, 503, 11, 'no endpoint of the ring could be reached'),
  stopped: kind(true, false, 500, 9, 'stopped by --max-errors'),
  invariant: kind(false, false, 500, 10, 'a law of the ring is violated; please report it'),
  internal: kind(false, false, 500, 1, 'an unexpected failure'),
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERRORS

/** The shape of an error in JSON, in HTTP answers and behind `--json`. */
export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode
    readonly message: string
    readonly definite: boolean
    readonly retryable: boolean
    readonly hint: string
  }
}

/**
 * An error of the table. `message` says what happened and why; `hint` is the next thing to type or check.
 */
export class KvError extends Error {
  override readonly name = 'KvError'
  readonly code: ErrorCode
  readonly hint: string

  constructor(code: ErrorCode, message: string, hint = '') {
    super(message)
    this.code = code
    this.hint = hint
  }

  get kind(): ErrorKind {
    return ERRORS[this.code]
  }

  toBody(): ErrorBody {
    const { definite, retryable } = this.kind
    return { error: { code: this.code, message: this.message, definite, retryable, hint: this.hint } }
  }
}

/** Any thrown value as a KvError; what is not one already is `internal`. */
export function toKvError(thrown: unknown): KvError {
  if (thrown instanceof KvError) return thrown
  return new KvError('internal', thrown instanceof Error ? thrown.message : String(thrown))
}
