import { CryptoRandom } from '../../../server/adapters/crypto-random.ts'
import { TcpNetwork } from '../../../server/adapters/tcp-network.ts'
import type { TcpNetworkSettings } from '../../../server/adapters/tcp-settings.ts'
import type { LinkState, NodeId } from '../../../server/ports/network.ts'
import { eventually } from '../../eventually.ts'
import { ManualClock } from '../manual-clock.ts'
import { RecordingTrace } from '../recording-trace.ts'
import { CLUSTER, SECRET } from './raw-peer.ts'

/** A transport on real sockets, whose time stands still until the test lets it pass. */
export interface TcpNode {
  readonly network: TcpNetwork
  readonly clock: ManualClock
  readonly trace: RecordingTrace
  readonly links: [NodeId, LinkState][]
  readonly messages: Buffer[]
}

/** Transports that a test opens, closed together. */
export class TcpNodes {
  private readonly open: TcpNode[] = []

  async start(id: NodeId, settings: Partial<TcpNetworkSettings> = {}): Promise<TcpNode> {
    const clock = new ManualClock()
    const trace = new RecordingTrace()
    const network = await TcpNetwork.listen(
      { clock, random: new CryptoRandom(), trace },
      { id, cluster: CLUSTER, incarnation: '1', secret: SECRET, host: '127.0.0.1', port: 0, ...settings },
    )
    const node: TcpNode = { network, clock, trace, links: [], messages: [] }
    network.onLink((peer, state) => node.links.push([peer, state]))
    network.onMessage((_, message) => node.messages.push(message))
    this.open.push(node)
    return node
  }

  /** Time passes for all nodes, and whatever their sockets have to say is heard meanwhile. */
  async pass(ms: number, step = 1000): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      for (const { clock } of this.open) clock.advance(Math.min(step, ms - passed))
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async close(): Promise<void> {
    let closed = false
    const closing = Promise.all(this.open.map(({ network }) => network.close())).then(() => {
      closed = true
    })
    await eventually('all nodes are closed', async () => {
      await this.pass(100, 100)
      return closed
    })
    await closing
  }
}

/** Connections of this process that are open, both ends counted. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
}
