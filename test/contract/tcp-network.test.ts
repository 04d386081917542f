import { CryptoRandom } from '../../server/adapters/crypto-random.ts'
import { SystemClock } from '../../server/adapters/system-clock.ts'
import { TcpNetwork } from '../../server/adapters/tcp-network.ts'
import { UdpBroadcast } from '../../server/adapters/udp-broadcast.ts'
import { eventually } from '../eventually.ts'
import { silentTrace } from '../unit/silent-trace.ts'
import { describeNetwork, type NetworkFixture } from './network.contract.ts'

async function makeFixture(): Promise<NetworkFixture> {
  const clock = new SystemClock()
  const networks: TcpNetwork[] = []
  let discoveryPort = 0
  return {
    async open(id, at) {
      const host = '127.0.0.1'
      const trace = silentTrace
      const broadcast = await UdpBroadcast.open({ clock, trace }, { host, port: discoveryPort })
      discoveryPort = broadcast.port
      const network = await TcpNetwork.listen(
        { clock, random: new CryptoRandom(), trace, broadcast },
        {
          id,
          cluster: 'test',
          incarnation: '1',
          secret: Buffer.from('shared by all'),
          host,
          port: at?.port ?? 0,
        },
      )
      networks.push(network)
      return { network, address: network.address }
    },
    advance: eventually,
    async dispose() {
      await Promise.all(networks.map((network) => network.close()))
      clock.close()
    },
  }
}

describeNetwork('TcpNetwork', makeFixture)
