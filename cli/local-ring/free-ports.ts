import dgram from 'node:dgram'
import net from 'node:net'

const HOST = '127.0.0.1'
const FIRST_HTTP_PORT = 7071
const FIRST_PEER_PORT = 7271
const DISCOVERY_PORT = 7171

export interface NodePorts {
  readonly httpPort: number
  readonly peerPort: number
}

/**
 * Ports for `count` nodes: 7071 and up, and 7271 and up, where all of these are free, so that they are easy to
 * remember; otherwise 0, with which each node takes free ones.
 */
export async function choosePorts(count: number): Promise<NodePorts[]> {
  const wanted = Array.from({ length: count }, (_, i) => ({
    httpPort: FIRST_HTTP_PORT + i,
    peerPort: FIRST_PEER_PORT + i,
  }))
  return (await portsAreFree(wanted)) ? wanted : wanted.map(() => ({ httpPort: 0, peerPort: 0 }))
}

export async function portsAreFree(ports: readonly NodePorts[]): Promise<boolean> {
  const all = ports.flatMap(({ httpPort, peerPort }) => [httpPort, peerPort])
  return (await Promise.all(all.map(isFree))).every(Boolean)
}

/** A UDP port for beacons that nobody else uses now: the preferred one where that is so. */
export async function chooseDiscoveryPort(preferred = DISCOVERY_PORT): Promise<number> {
  return (await boundPort(preferred)) ?? (await boundPort(0)) ?? preferred
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Binds it without sharing, on all addresses, as an open socket of another ring would not allow. */
function boundPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket({ type: 'udp4' })
    socket.once('error', () => {
      socket.close()
      resolve(undefined)
    })
    socket.bind({ port, exclusive: true }, () => {
      const bound = socket.address().port
      socket.close(() => resolve(bound))
    })
  })
}
