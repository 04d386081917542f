import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { type NodeAddress, surveyEvery } from '../../../cli/every-node.ts'

describe('a question to every node', () => {
  const servers: Server[] = []

  afterEach(() => {
    for (const server of servers.splice(0)) server.closeAllConnections()
  })

  /** A node that answers after so long, or never. */
  async function node(id: string, afterMs: number | undefined): Promise<NodeAddress> {
    const server = createServer((_, response) => {
      if (afterMs !== undefined) setTimeout(() => response.end('{"faults":[]}'), afterMs)
    }).listen(0, '127.0.0.1')
    server.unref()
    servers.push(server)
    await new Promise((resolve) => server.once('listening', resolve))
    return { id, http: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, up: true }
  }

  it('does not wait long for a node that hangs while another one has answered', async () => {
    const nodes = [await node('n1', undefined), await node('n2', 0), await node('n3', 300)]
    const began = performance.now()
    const { answers, failures } = await surveyEvery(nodes, 10_000, (client) => client.faults())
    expect(performance.now() - began).to.be.within(1_400, 5_000)
    expect([...answers.keys()]).to.have.members(['n2', 'n3'])
    expect(failures.get('n1')).to.include({ code: 'unreachable' })
  })

  it('waits as long as it was told while none has', async () => {
    const { answers, failures } = await surveyEvery(
      [await node('n1', undefined), await node('n2', 2_000)],
      3_000,
      (client) => client.faults(),
    )
    expect([...answers.keys()]).to.deep.equal(['n2'])
    expect([...failures.keys()]).to.deep.equal(['n1'])
  })
})
