import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../ports/clock.ts'
import type { Backlog } from './backlog.ts'
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
  private readonly backlog: Backlog

  constructor(components: { clock: Clock; metrics: RequestMetrics; backlog: Backlog }) {
    this.clock = components.clock
    this.metrics = components.metrics
    this.backlog = components.backlog
  }

  /**
   * @param headers names and values in turn; Content-Length is added.
   * @throws KvError `overloaded` where the answer is large, and too many such have not been read.
   */
  send(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    headers: string[],
    body: Buffer | string,
  ): void {
    const { raw } = reply
    this.backlog.answer(request.socket, raw, body.length)
    reply.hijack()
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
