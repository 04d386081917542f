import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { eventually } from '../../eventually.ts'
import { expectFailure, MINUTE, type Up, untilOk, withRing } from './surface.ts'

describe('breaking the ring', function () {
  this.timeout(2 * MINUTE)

  const { user, up } = withRing()

  type Fault = { id: string; kind: string; nodes: string[]; until: string | null }
  const faults = async (): Promise<Fault[]> =>
    (await user.json<{ faults: Fault[] }>(['chaos', 'status'])).faults

  it('kv chaos partition, link, status, heal', async () => {
    const partition = await user.json<Fault>(['chaos', 'partition', 'n1,n2', 'n3', '--for', '1m'])
    const link = await user.json<Fault>(['chaos', 'link', 'n4', 'n5', '--latency', '5ms', '--loss', '1%'])
    const listed = await faults()
    expect(listed.map(({ id, kind, nodes }) => ({ id, kind, nodes }))).to.have.deep.members([
      { id: partition.id, kind: 'partition', nodes: ['n1', 'n2', 'n3'] },
      { id: link.id, kind: 'link', nodes: ['n4', 'n5'] },
    ])
    for (const { until } of listed) expect(Date.parse(until as string)).to.be.greaterThan(Date.now())
    expectFailure(await user.kv(['chaos', 'heal', 'nothing', '--json']), 3, 'not_found', /no fault/)
    expect(await user.json(['chaos', 'heal', link.id])).to.deep.equal({ healed: [link.id], missed: [] })
    expect((await faults()).map(({ id }) => id)).to.deep.equal([partition.id])
    await user.json(['chaos', 'heal'])
    expect(await faults()).to.deep.equal([])
  })

  it('kv chaos pause, which ends by itself', async () => {
    const fault = await user.json<Fault>(['chaos', 'pause', 'n5', '--for', '10s'])
    expect(readFileSync(`/proc/${up().nodes[4]?.pid}/stat`, 'utf8').split(') ')[1]?.[0]).to.equal('T')
    expect(await faults()).to.deep.equal([fault])
    await eventually('the pause to end', async () => (await faults()).length === 0, MINUTE)
    expect(readFileSync(`/proc/${up().nodes[4]?.pid}/stat`, 'utf8').split(') ')[1]?.[0]).to.not.equal('T')
  })

  it('kv chaos status does not wait long for a node that was stopped by hand', async () => {
    const pid = up().nodes[2]?.pid as number
    process.kill(pid, 'SIGSTOP')
    const began = performance.now()
    try {
      expect(await faults()).to.deep.equal([])
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    expect(performance.now() - began).to.be.below(8_000)
    await untilOk(user)
  })

  it('kv chaos kill and restart; kv up leaves a killed node alone', async () => {
    await user.json(['chaos', 'kill', 'n4'])
    expect(await faults()).to.deep.equal([{ id: 'kill-n4', kind: 'kill', nodes: ['n4'], until: null }])
    const again = await user.json<Up>(['up'])
    expect(again.nodes.map((node) => node.pid === null)).to.deep.equal([false, false, false, true, false])
    const { err } = await user.kv(['up'])
    expect(err).to.include('kv chaos restart n4')
    await eventually(
      'the status to name it',
      async () => /^degraded: n4 is (suspect|down)/.test((await user.kv(['ring', 'status'])).out),
      30_000,
    )
    await user.json(['set', 'while-n4-is-down', 'value'])
    const { nodes } = await user.json<Pick<Up, 'nodes'>>(['chaos', 'restart', 'n4'])
    expect(nodes).to.have.length(1)
    expect(nodes[0]).to.deep.include({ id: 'n4', http: up().nodes[3]?.http, dataDir: up().nodes[3]?.dataDir })
    await untilOk(user)
    expect(await faults()).to.deep.equal([])
  })

  it('refuses what cannot be meant, and changes nothing', async () => {
    expectFailure(await user.kv(['chaos', 'kill', 'm2', '--json']), 3, 'not_found', /no node "m2"/)
    expectFailure(await user.kv(['chaos', 'partition', 'n1,n1', '--json']), 2, 'usage', /named twice/)
    expectFailure(await user.kv(['chaos', 'partition', 'n1,n9', '--json']), 3, 'not_found', /no node "n9"/)
    const everyone = await user.kv(['chaos', 'partition', 'n1,n2,n3,n4,n5', '--json'])
    expectFailure(everyone, 2, 'usage', /whole ring/)
    expectFailure(await user.kv(['chaos', 'link', 'n1', 'n2', '--json']), 2, 'usage', /does nothing/)
    expectFailure(
      await user.kv(['chaos', 'link', 'n1', 'n2', '--loss', '2', '--json']),
      2,
      'usage',
      /probability/,
    )
    expectFailure(await user.kv(['chaos', 'pause', 'n1', '--for', '25h', '--json']), 2, 'usage', /too long/)
    expect(await faults()).to.deep.equal([])
  })
})
