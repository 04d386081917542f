/** One HTTP request to one endpoint. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST'
  /** Path and query exactly as they go on the wire: no URL library may normalise them. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly timeoutMs: number
  /** Gives the request up: its answer is not wanted any more. */
  readonly signal?: AbortSignal
}

export interface HttpResponse<Body> {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
}

/**
 * Carries requests to endpoints. Every status is an answer; only a broken exchange throws.
 * @throws LinkError
 */
export interface Exchange {
  send(endpoint: string, request: HttpRequest): Promise<HttpResponse<Buffer>>
  /** The body arrives as it is received; a link that breaks under way throws a LinkError from the iteration. */
  stream(endpoint: string, request: HttpRequest): Promise<HttpResponse<AsyncIterable<Buffer>>>
  close(): void
}

/** No complete answer came back. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  /** False only where the request certainly never left: then nothing can have been applied. */
  readonly sent: boolean
  readonly timedOut: boolean

  constructor(message: string, sent: boolean, timedOut: boolean) {
    super(message)
    this.sent = sent
    this.timedOut = timedOut
  }
}
