import { createServer, type Server } from 'node:net'
import { KvError } from '../../shared/errors.ts'
import type { Address } from '../ports/network.ts'

/**
 * A listening server of half-open connections: each side closes when it has sent all it has to send.
 * @throws KvError `conflict` where the port is in use, `usage` where the address cannot be listened on.
 */
export function listen({ host, port }: Address): Promise<Server> {
  const server = createServer({ allowHalfOpen: true })
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, { host, port })))
    server.listen({ host, port, backlog: 511 }, () => {
      server.removeAllListeners('error')
      resolve(server)
    })
  })
}

function listenError(error: NodeJS.ErrnoException, { host, port }: Address): KvError {
  if (error.code === 'EADDRINUSE') {
    return new KvError(
      'conflict',
      `the peer port ${host}:${port} is in use`,
      'stop the program that has it, or choose another port with peerPort',
    )
  }
  return new KvError(
    'usage',
    `peers cannot be listened for on ${host}:${port}: ${error.message}`,
    'check host',
  )
}
