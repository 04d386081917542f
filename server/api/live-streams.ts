import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'

/** Something that goes on until it has been told to stop. */
export interface Stoppable {
  stop(): void
}

/** The batches under way: their sockets are exempt from the deadline of requests, and a drain stops them. */
export class LiveStreams {
  private readonly sockets = new Map<Socket, Stoppable>()

  add(socket: Socket, output: Writable, stream: Stoppable): void {
    this.sockets.set(socket, stream)
    output.once('close', () => this.sockets.delete(socket))
  }

  has(socket: Socket): boolean {
    return this.sockets.has(socket)
  }

  stopAll(): void {
    for (const stream of this.sockets.values()) stream.stop()
  }
}
