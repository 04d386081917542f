import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { KvError } from '../../shared/errors.ts'

/** Requests of one connection that may wait behind the one that is being answered. */
const MAX_PIPELINED = 16
/** Answers that are smaller are not counted. */
const LARGE_BYTES = 64 * 1024
/** Of large answers that clients have not read yet, all together. */
const MAX_UNREAD_BYTES = 256 * 1024 * 1024

/** Bounds what clients that ask more than they read can make the node keep in memory. */
export class Backlog {
  private readonly pipelined = new WeakMap<Socket, number>()
  private unread = 0
  private readonly unreadOf = new Map<Socket, number>()

  /** @returns `overloaded` where too many requests of the connection wait already. */
  enter(socket: Socket, response: ServerResponse): KvError | undefined {
    // A response gets its socket when those before it are through: nearly always at once.
    if (response.socket !== null) return undefined
    const waiting = this.pipelined.get(socket) ?? 0
    if (waiting >= MAX_PIPELINED) {
      return new KvError(
        'overloaded',
        `${waiting} requests wait on this connection`,
        'read the answers first',
      )
    }
    this.pipelined.set(socket, waiting + 1)
    response.once('close', () => this.pipelined.set(socket, (this.pipelined.get(socket) ?? 1) - 1))
    return undefined
  }

  /** @throws KvError `overloaded` where clients have not read too much already. */
  answer(socket: Socket, response: ServerResponse, bytes: number): void {
    if (bytes < LARGE_BYTES) return
    if (this.unread + bytes > MAX_UNREAD_BYTES) {
      throw new KvError(
        'overloaded',
        'clients have not read many large answers yet',
        'slow down and try again',
      )
    }
    const before = this.unreadOf.get(socket)
    if (before === undefined) socket.once('close', () => this.release(socket, this.unreadOf.get(socket) ?? 0))
    this.unreadOf.set(socket, (before ?? 0) + bytes)
    this.unread += bytes
    response.once('close', () => this.release(socket, bytes))
  }

  private release(socket: Socket, bytes: number): void {
    const held = this.unreadOf.get(socket)
    if (held === undefined) return
    this.unread -= Math.min(bytes, held)
    if (socket.destroyed) this.unreadOf.delete(socket)
    else this.unreadOf.set(socket, Math.max(0, held - bytes))
  }
}
