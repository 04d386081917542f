import { expect } from 'chai'
import type { NodeStatus, RingStatus } from '../../../shared/api.ts'
import { expectFailure, MINUTE, withRing } from './surface.ts'

const SLOTS = 16_384

describe('looking at the ring', function () {
  this.timeout(2 * MINUTE)

  const { user, up } = withRing()

  it('kv ring status', async () => {
    const status = await user.json<RingStatus>(['ring', 'status'])
    expect(status).to.include({ cluster: 'local', n: 3, r: 2, w: 2, health: 'ok', slots: SLOTS })
    expect(status).to.include({ slotsBelowN: 0, slotsWithoutQuorum: 0, layoutVersion: 1 })
    expect(status.nodes).to.have.length(5)
    for (const node of status.nodes) expectNode(node)
    expect(status.nodes.reduce((sum, node) => sum + node.ownership, 0)).to.be.closeTo(3, 1e-9)
    const { out } = await user.kv(['ring', 'status'])
    expect(out).to.match(/^ok: all 5 nodes are up/)
    expect(out).to.not.include('\x1b')
    expect((await user.kv(['ring', 'status', '--watch'])).code).to.equal(2)
  })

  function expectNode(node: NodeStatus): void {
    expect(node.state).to.equal('up')
    for (const text of [node.id, node.http, node.zone, node.incarnation]) expect(text).to.be.a('string')
    for (const number of [node.ownership, node.keys, node.bytes, node.hintsHeld])
      expect(number).to.be.a('number')
  }

  it('kv ring locate', async () => {
    type Located = {
      key: string
      slot: number
      preferenceList: { id: string; role: string; state: string }[]
    }
    const { key, slot, preferenceList } = await user.json<Located>(['ring', 'locate', '123456789'])
    // The check value of the CRC that Redis Cluster uses.
    expect([key, slot]).to.deep.equal(['123456789', 0x31c3 % SLOTS])
    expect(preferenceList.map(({ role }) => role)).to.deep.equal([
      ...Array(3).fill('owner'),
      ...Array(2).fill('fallback'),
    ])
    expect(new Set(preferenceList.map(({ id }) => id)).size).to.equal(5)
    const tagged = await Promise.all(
      ['a{tag}', '{tag}b'].map((name) => user.json<Located>(['ring', 'locate', name])),
    )
    expect(tagged[0]?.slot).to.equal(tagged[1]?.slot)
  })

  it('kv node list, kv node info, kv hints list', async () => {
    const { nodes } = await user.json<{ nodes: NodeStatus[] }>(['node', 'list'])
    expect(nodes.map((node) => node.id)).to.have.members(up().nodes.map((node) => node.id))
    const info = await user.json<NodeStatus & Record<string, unknown>>(['node', 'info', 'n2'])
    expect(info).to.include({ id: 'n2', reachable: true, ready: true, reason: '' })
    expect(info.pid).to.equal(up().nodes[1]?.pid)
    expect(await user.json(['hints', 'list'])).to.deep.equal({ hints: [], marked: [], unreachable: [] })
    expectFailure(await user.kv(['node', 'info', 'n22', '--json']), 3, 'not_found', /no node "n22"/)
  })
})
