export type NodeId = string

export interface Address {
  readonly host: string
  readonly port: number
}

export type LinkState = 'connected' | 'disconnected'

/**
 * Messages between authenticated peers, and unauthenticated datagrams for discovery.
 *
 * Contract: a message arrives at most a few times, perhaps never, perhaps late and out of order, and never
 * altered; the sender it is attributed to is the true one. TCP gives more than that; nothing may rely on it.
 */
export interface Network {
  /** Where a peer listens: links to it are opened, and reopened, until it is forgotten. */
  learn(peer: NodeId, address: Address): void
  forget(peer: NodeId): void
  /**
   * Sends if there is a link and its queue has room. The message has at least one byte; it may be sent
   * without being copied, so it must not be changed afterwards.
   * @returns false when the message has certainly not been sent.
   */
  send(to: NodeId, message: Buffer): boolean
  /** True while `send` to the peer has a link to use. */
  connected(peer: NodeId): boolean
  /** The message is valid after the handler has returned, but shares memory with others: copy what is kept. */
  onMessage(handler: (from: NodeId, message: Buffer) => void): void
  onLink(handler: (peer: NodeId, state: LinkState) => void): void
  /** To every node in reach of broadcast; best effort. */
  broadcast(datagram: Buffer): void
  onDatagram(handler: (datagram: Buffer, from: Address) => void): void
  close(): Promise<void>
}
