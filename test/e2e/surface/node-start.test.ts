import { chmodSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect } from 'chai'
import type { RingStatus } from '../../../shared/api.ts'
import type { Ended } from '../kv-user.ts'
import { ALONE, expectFailure, findFile, firstLine, MINUTE, type Up, withRing } from './surface.ts'

describe('a node that cannot start', function () {
  this.timeout(2 * MINUTE)

  const { user, up } = withRing()

  const start = (argv: string[], env = {}): Promise<Ended> =>
    user.kv(['node', 'start', ...argv], { env, timeout: MINUTE })

  it('for its settings', async () => {
    const file = user.file('corrupt.yaml')
    writeFileSync(file, 'id: n1\nhttpPort: many\n')
    const corrupt = await start(['--config', file])
    expect(corrupt.code).to.equal(2)
    expect(corrupt.err).to.include('corrupt.yaml:2')
    expect((await start(['--config', user.file('missing.yaml')])).code).to.equal(2)
    const open = await start(['--host', '0.0.0.0', '--data', user.file('open'), ...ALONE])
    expect([open.code, /secret/.test(open.err)]).to.deep.equal([2, true])
    const short = await start(['--data', user.file('short'), ...ALONE], { KV_CLUSTER_SECRET: 'short' })
    expect([short.code, /secret/.test(short.err)]).to.deep.equal([2, true])
  })

  it('for its data directory: in use, of another node, damaged', async () => {
    const [first] = up().nodes as [Up['nodes'][0]]
    const used = await start(['--id', 'n1', '--cluster', 'local', '--data', first.dataDir, ...ALONE])
    expect([used.code, used.err.includes(String(first.pid))]).to.deep.equal([4, true])

    const data = user.file('solo')
    const node = user.start(['node', 'start', '--id', 'solo', '--data', data, ...ALONE])
    await firstLine(node)
    node.kill('SIGTERM')
    await node
    const other = await start(['--id', 'other', '--data', data, ...ALONE])
    expect([other.code, /belongs to/.test(other.err)]).to.deep.equal([2, true])
    const table = findFile(data, /\.(ldb|log)$|^MANIFEST-/)
    truncateSync(table, Math.max(1, Math.floor(statSync(table).size / 2)))
    const damaged = await start(['--id', 'solo', '--data', data, '--json', ...ALONE])
    expect(damaged.code, damaged.err).to.be.oneOf([1, 5])
  })

  it('for a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const taken = await start(['--data', user.file('taken'), '--peer-port', '0', '--http-port', String(port)])
    server.close()
    expect([taken.code, taken.err.includes(String(port))]).to.deep.equal([4, true])
  })

  it('with the secret of another ring it is alone, and neither ring is changed', async () => {
    const { discoveryPort } = user.ring()
    const secret = user.file('secret-of-another')
    writeFileSync(secret, 'quite another secret\n')
    chmodSync(secret, 0o600)
    const argv = ['--id', 'n6', '--cluster', 'local', '--data', user.file('n6'), '--secret-file', secret]
    const ports = ['--http-port', '0', '--peer-port', '0', '--discovery-port', String(discoveryPort)]
    const node = user.start(['node', 'start', ...argv, ...ports])
    try {
      const { http } = await firstLine(node)
      const health = await fetch(`${http}/health/ready`)
      expect(health.status).to.equal(503)
      const alone = await user.kv(['set', 'a', 'b', '--endpoint', http, '--json'])
      expectFailure(alone, 5, 'not_ready', /.+/)
      const { nodes } = await user.json<RingStatus>(['ring', 'status'])
      expect(nodes.map(({ id }) => id)).to.not.include('n6')
    } finally {
      node.kill('SIGTERM')
    }
    expect((await node).exitCode).to.equal(0)
  })
})
