import type { NodeId } from '../ports/network.ts'
import type { DialerSettings } from './dialer.ts'
import type { GateSettings } from './gate.ts'
import type { LinkSettings } from './tcp-link.ts'

/** What rarely needs another value than the default. */
export interface TcpTuning extends LinkSettings, GateSettings, DialerSettings {
  /** Between two looks at the health of all links. */
  readonly sweepMs: number
  /** Peers with a link at a time; one more is turned away. */
  readonly maxPeers: number
  /** How long `close` waits for what is still to be sent. */
  readonly closeMs: number
}

export interface TcpNetworkSettings extends Partial<TcpTuning> {
  readonly id: NodeId
  readonly cluster: string
  readonly incarnation: string
  /** Shared by all nodes of the cluster. Empty: no peer is accepted and none is dialed. */
  readonly secret: Buffer
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

export const DEFAULT_TUNING: TcpTuning = {
  maxFrameBytes: 64 << 20,
  maxQueuedBytes: 64 << 20,
  maxStrangers: 64,
  handshakeMs: 5000,
  firstBackoffMs: 50,
  maxBackoffMs: 2000,
  sweepMs: 1000,
  keepaliveSweeps: 5,
  idleSweeps: 15,
  stalledSweeps: 30,
  maxPeers: 1000,
  closeMs: 500,
}
