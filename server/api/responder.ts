import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../ports/clock.ts'
import type { RequestMetrics } from './request-metrics.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Clock.monotonicMs() when its headers had arrived. */
    beganMs: number
  }
}

/** Larger values are not worth turning into text to save a buffer of their own on the way to the socket. */
const SMALL_BYTES = 4096

/**
 * Answers of the hot path, written past fastify's reply: its hooks and checks cost as much as all else that the API
 * does for a request of 100 bytes.
 */
export class Responder {
  private readonly clock: Clock
  private readonly metrics: RequestMetrics

  constructor(clock: Clock, metrics: RequestMetrics) {
    this.clock = clock
    this.metrics = metrics
  }

  /** @param headers names and values in turn; Content-Length is added. */
  send(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    headers: string[],
    body: Buffer | string,
  ): void {
    reply.hijack()
    const { raw } = reply
    const text = typeof body === 'string'
    headers.push('Content-Length', String(text ? Buffer.byteLength(body) : body.length))
    raw.writeHead(status, headers)
    if (text) raw.end(body)
    else if (body.length <= SMALL_BYTES) raw.end(body.toString('latin1'), 'latin1')
    else raw.end(body)
    this.count(request, status)
  }

  count(request: FastifyRequest, status: number): void {
    const seconds = (this.clock.monotonicMs() - request.beganMs) / 1000
    this.metrics.observe(request.method, '/kv/{key}', status, seconds)
  }
}
