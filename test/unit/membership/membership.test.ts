import { expect } from 'chai'
import type { VirtualNode } from './virtual-ring.ts'
import { EMPTY_REPORT, VirtualRing } from './virtual-ring.ts'

const states = (node: VirtualNode) => node.membership.members().map(({ id, state }) => `${id} ${state}`)

describe('membership', () => {
  it('founds a ring of the nodes that are expected, soon, with one layout for all', async () => {
    const ring = new VirtualRing(1)
    const nodes = ring.boot(5)
    const took = await ring.until(() => nodes.every((node) => node.layout !== undefined))
    expect(took).to.be.below(3000)
    expect(new Set(nodes.map((node) => node.layout?.ringId)).size).to.equal(1)
    const layout = nodes[0]?.layout
    expect(layout?.members.map(({ id }) => id)).to.deep.equal(['n1', 'n2', 'n3', 'n4', 'n5'])
    expect([layout?.version, layout?.n, layout?.r, layout?.w]).to.deep.equal([1, 3, 2, 2])
    expect(nodes[0]?.membership.slots()?.members).to.have.length(5)
  })

  it('shows members with what they report', async () => {
    const ring = new VirtualRing(2)
    const [n1, n2] = (await ring.form(3)) as [VirtualNode, VirtualNode]
    n2.report = { ...EMPTY_REPORT, keys: 7, bytes: 70, hintsHeld: 2, hintsFor: ['n3'] }
    await ring.pass(600)
    const view = n1.membership.members()[1]
    expect(view).to.include({ id: 'n2', state: 'up', keys: 7, bytes: 70, hintsHeld: 2, reachable: true })
    expect(view).to.include({ http: 'http://n2:7001', incarnation: 'of-n2', ready: true })
    expect(n1.membership.hintHolders('n3')).to.deep.equal(['n2'])
    expect(n1.membership.clockTrusted()).to.equal(true)
  })

  it('a single node founds its own ring, with quorums that it can meet', async () => {
    const ring = new VirtualRing(3)
    const [n1] = ring.boot(1) as [VirtualNode]
    await ring.until(() => n1.layout !== undefined)
    expect([n1.layout?.n, n1.layout?.r, n1.layout?.w]).to.deep.equal([1, 1, 1])
    expect(n1.membership.clockTrusted()).to.equal(true)
    expect(n1.membership.reachable('n1')).to.equal(true)
  })

  it('founds nothing with fewer nodes than expected, or where it must not', async () => {
    const ring = new VirtualRing(4)
    ring.add('n1')
    ring.add('n2')
    ring.add('n3', { secret: Buffer.from('wrong') })
    for (const node of ring.nodes) node.boot()
    await ring.pass(10_000)
    expect(ring.nodes.map((node) => node.layout)).to.deep.equal([undefined, undefined, undefined])
    expect(states(ring.nodes[0] as VirtualNode)).to.deep.equal(['n1 joining', 'n2 joining'])
    const never = new VirtualRing(4)
    never.boot(1, { bootstrapExpect: 0 })
    await never.pass(10_000)
    expect(never.nodes[0]?.layout).to.equal(undefined)
  })

  it('finds a killed node down within 3 s, and out of reach at once', async () => {
    const ring = new VirtualRing(5)
    const [n1, n2, n3] = (await ring.form(3)) as [VirtualNode, VirtualNode, VirtualNode]
    n3.crash()
    expect(await ring.until(() => !n1.membership.reachable('n3'))).to.be.below(5)
    await ring.until(() => n1.membership.state('n3') === 'down' && n2.membership.state('n3') === 'down', 3000)
    const back: string[] = []
    n1.membership.onReachable((id) => back.push(id))
    n3.boot()
    await ring.until(() => ring.seesAll(n1) && ring.seesAll(n2) && ring.seesAll(n3))
    expect(back).to.deep.equal(['n3'])
    expect(n1.membership.state('n3')).to.equal('up')
    expect(n3.layout).to.deep.equal(n1.layout)
  })

  it('finds a machine that hangs with all its links down within 4 s', async () => {
    const ring = new VirtualRing(6)
    const [n1, n2, n3] = (await ring.form(3)) as [VirtualNode, VirtualNode, VirtualNode]
    n3.process?.pause()
    await ring.until(() => n1.membership.state('n3') === 'down' && n2.membership.state('n3') === 'down', 4000)
    n3.process?.resume()
    await ring.until(() => ring.seesAll(n1) && ring.seesAll(n3))
    expect(n3.events('node.stalled')).to.have.length(1)
    expect(n3.events('member.changed').filter(({ fields }) => fields.state === 'down')).to.deep.equal([])
  })

  it('a node that is cut off keeps the others at suspect, and they agree that it is down', async () => {
    const ring = new VirtualRing(7)
    const nodes = await ring.form(5)
    const [n1, n2] = nodes as [VirtualNode, VirtualNode]
    ring.fault({ kind: 'partition', groups: [['n1']] })
    await ring.pass(30_000)
    expect(states(n1)).to.deep.equal(['n1 up', 'n2 suspect', 'n3 suspect', 'n4 suspect', 'n5 suspect'])
    expect(states(n2)).to.deep.equal(['n1 down', 'n2 up', 'n3 up', 'n4 up', 'n5 up'])
    ring.heal()
    await ring.until(() => nodes.every((node) => ring.seesAll(node)), 15_000)
  })

  it('takes a node out of reach on both sides when only one direction is lost', async () => {
    const ring = new VirtualRing(8)
    const [n1, n2, n3] = (await ring.form(3)) as [VirtualNode, VirtualNode, VirtualNode]
    ring.fault({ kind: 'link', from: 'n1', to: 'n2', loss: 1 })
    await ring.until(() => !n1.membership.reachable('n2') && !n2.membership.reachable('n1'), 3000)
    await ring.pass(20_000)
    expect([n1.membership.state('n2'), n2.membership.state('n1')]).to.deep.equal(['suspect', 'suspect'])
    expect(ring.seesAll(n3)).to.equal(true)
    ring.heal()
    await ring.until(() => ring.seesAll(n1) && ring.seesAll(n2))
  })

  it('stays calm while a fifth of all messages are lost', async () => {
    const ring = new VirtualRing(9)
    const nodes = await ring.form(5)
    for (const from of nodes) {
      for (const to of nodes) {
        if (from !== to) ring.fault({ kind: 'link', from: from.id, to: to.id, loss: 0.2, jitterMs: 50 })
      }
    }
    for (const node of nodes) node.traced.length = 0
    await ring.pass(60_000)
    const down = nodes
      .flatMap((node) => node.events('member.changed'))
      .filter(({ fields }) => fields.state === 'down')
    expect(down).to.deep.equal([])
  })

  it('accuses nobody, and is not accused, when a disk takes half a second for each commit', async () => {
    const ring = new VirtualRing(18)
    ring.commitMs = 500
    const nodes = await ring.form(3)
    for (const node of nodes) node.traced.length = 0
    await ring.pass(30_000)
    expect(nodes.flatMap((node) => node.events('member.changed'))).to.deep.equal([])
  })

  it('finds everyone through one address and without beacons, and again after a restart', async () => {
    const ring = new VirtualRing(10)
    const nodes = ring.boot(5, { secret: Buffer.alloc(0) })
    const [seed, ...others] = nodes as [VirtualNode, ...VirtualNode[]]
    await ring.pass(3000)
    expect(seed.membership.members()).to.have.length(1)
    for (const node of others) seed.endpoint?.learn(node.id, node.settings.peerAddress)
    await ring.until(() => nodes.every((node) => node.layout !== undefined && ring.seesAll(node)))
    await ring.pass(15_000)
    for (const node of nodes) node.crash()
    for (const node of nodes) node.boot()
    await ring.until(() => nodes.every((node) => ring.seesAll(node)))
  })

  it('shows a node that is no member as joining, and forgets it when it is gone', async () => {
    const ring = new VirtualRing(11)
    const [n1] = (await ring.form(3)) as [VirtualNode]
    const n9 = ring.add('n9')
    n9.boot()
    await ring.until(() => n1.membership.reachable('n9'))
    expect(states(n1).at(-1)).to.equal('n9 joining')
    await ring.pass(10_000)
    expect(n9.layout).to.equal(undefined)
    expect(n9.events('bootstrap.proposed')).to.deep.equal([])
    n9.crash()
    await ring.until(() => states(n1).length === 3, 70_000)
    expect(n1.membership.state('n9')).to.equal('down')
  })

  it('gives the layout back to a member that has lost its disk', async () => {
    const ring = new VirtualRing(12)
    const [n1, , n3] = (await ring.form(3)) as [VirtualNode, VirtualNode, VirtualNode]
    n3.crash()
    n3.disk.restore()
    n3.settings = { ...n3.settings, incarnation: 'new-n3' }
    await ring.pass(5000)
    n3.boot()
    await ring.until(() => n3.layout !== undefined && n1.membership.reachable('n3'))
    expect(n3.layout).to.deep.equal(n1.layout)
    expect(n1.events('member.replaced')).to.have.length(1)
  })

  it('refuses a second node with the id of one that is alive, and says so', async () => {
    const ring = new VirtualRing(13)
    const [n1, n2] = (await ring.form(3)) as [VirtualNode, VirtualNode]
    const copy = ring.add('n3', { incarnation: 'copy', peerAddress: { host: '10.0.0.99', port: 1 } })
    copy.boot()
    await ring.pass(5000)
    for (const node of [n1, n2]) {
      expect(node.membership.members()[2]).to.include({ id: 'n3', incarnation: 'of-n3' })
      expect(node.events('beacon.unwelcome').some(({ level }) => level === 'error')).to.equal(true)
    }
    expect(copy.events('identity.duplicate')[0]?.level).to.equal('error')
  })

  it('keeps two rings of one name apart, loudly', async () => {
    const ring = new VirtualRing(14)
    ring.fault({
      kind: 'partition',
      groups: [
        ['a1', 'a2'],
        ['b1', 'b2'],
      ],
    })
    const nodes = ['a1', 'a2', 'b1', 'b2'].map((id) => ring.add(id, { bootstrapExpect: 2 }))
    for (const node of nodes) node.boot()
    await ring.until(() => nodes.every((node) => node.layout !== undefined))
    const before = nodes.map((node) => node.layout)
    ring.heal()
    for (const node of nodes.slice(0, 2)) {
      for (const { id, settings } of nodes.slice(2)) node.endpoint?.learn(id, settings.peerAddress)
    }
    await ring.pass(30_000)
    expect(nodes.map((node) => node.layout)).to.deep.equal(before)
    for (const node of nodes) {
      const loud = node.traced.filter(
        ({ level, fields }) => level === 'error' && String(fields.why).includes('another ring'),
      )
      expect(loud.length, node.id).to.be.within(1, 6)
      expect(node.membership.members().filter(({ reachable }) => reachable)).to.have.length(2)
    }
  })

  it('does not trust a clock that jumps until the others have confirmed it', async () => {
    const ring = new VirtualRing(15)
    const [n1] = (await ring.form(3)) as [VirtualNode]
    await ring.pass(1000)
    expect(n1.membership.clockTrusted()).to.equal(true)
    n1.time.offsetMs += 5000
    expect(n1.membership.clockTrusted()).to.equal(false)
    await ring.until(() => n1.membership.clockTrusted(), 1000)
    n1.time.offsetMs += 3_600_000
    await ring.pass(5000)
    expect(n1.membership.clockTrusted()).to.equal(false)
    n1.time.offsetMs -= 3_600_000
    await ring.until(() => n1.membership.clockTrusted(), 1000)
  })

  it('survives 200 times of a node up 2 s and down 2 s without growing', async () => {
    const ring = new VirtualRing(16)
    const [n1, n2, n3] = (await ring.form(3)) as [VirtualNode, VirtualNode, VirtualNode]
    const traced = () => n1.traced.length
    const before = traced()
    for (let flap = 0; flap < 200; flap++) {
      const cut = ring.fault({ kind: 'partition', groups: [['n3']] })
      ring.network.break('n1', 'n3')
      ring.network.break('n2', 'n3')
      await ring.pass(2000)
      ring.heal(cut)
      await ring.pass(2000)
    }
    expect(traced() - before).to.be.within(200, 200 * 5)
    expect(n1.membership.members()).to.have.length(3)
    expect(n1.membership.state('n2')).to.equal('up')
    const waiting = ring.loop.waiting
    await ring.until(() => ring.seesAll(n1) && ring.seesAll(n2) && ring.seesAll(n3))
    await ring.pass(5000)
    expect(ring.loop.waiting).to.be.below(waiting + 50)
  })

  it('refuses to start on the disk of another cluster, or with an unreadable layout', async () => {
    const ring = new VirtualRing(17)
    const [n1] = (await ring.form(1)) as [VirtualNode]
    n1.crash()
    n1.settings = { ...n1.settings, cluster: 'other' }
    n1.boot()
    await ring.pass(100)
    expect(String(n1.failure)).to.contain('belongs to the cluster local')
    n1.crash()
    n1.settings = { ...n1.settings, cluster: 'local' }
    n1.disk.write([{ type: 'put', key: Buffer.from('mlayout'), value: Buffer.from('torn') }])
    n1.boot()
    await ring.pass(100)
    expect(String(n1.failure)).to.contain('the stored layout is unreadable')
  })
})
