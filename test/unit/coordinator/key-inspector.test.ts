import { expect } from 'chai'
import type { Node } from '../../../server/node.ts'
import { keyFromText } from '../../../shared/key.ts'
import type { KeyNodeReport, KeyReport } from '../../../shared/key-report.ts'
import { CalmRing } from '../../simulation/calm-ring.ts'

const key = keyFromText('greeting')
const put = (text: string | null) => (node: Node) =>
  node.coordinator.put(key, text === null ? null : Buffer.from(text), {})
const explain = (node: Node) => node.keys.explain(key)
const repair = (node: Node) => node.keys.repair(key)

function ids(report: KeyReport, role: KeyNodeReport['role']): string[] {
  return report.nodes.filter((node) => node.role === role).map(({ id }) => id)
}

describe('one key, looked at on all nodes', function () {
  this.timeout(20_000)

  let ring: CalmRing
  let owners: string[]
  let fallback: string
  beforeEach(async () => {
    ring = new CalmRing('lww')
    await ring.start()
    await ring.ask('n1', put('hello'))
    await ring.pass(2_000)
    const report = await ring.ask('n1', explain)
    owners = ids(report, 'owner')
    fallback = ids(report, 'fallback')[0] as string
  })

  const nodeOf = (report: KeyReport, id: string | undefined): KeyNodeReport => {
    const node = report.nodes.find((candidate) => candidate.id === id)
    if (node === undefined) throw new Error(`no ${id} in the report`)
    return node
  }

  it('is the same on all owners after a write', async () => {
    const report = await ring.ask(fallback, explain)
    expect(report).to.include({ key: 'greeting', slot: 12_714, n: 3, conflicts: 'lww', same: true })
    expect(report.nodes.map(({ answered, problem }) => [answered, problem])).to.deep.equal(
      Array(5).fill([true, '']),
    )
    const [version] = nodeOf(report, owners[0]).copy?.versions ?? []
    // The beginning of the SHA-256 of hello.
    expect(version).to.include({ state: 'live', bytes: 5, digest: '2cf24dba5fb0a30e' })
    expect(owners).to.include(version?.node)
    expect(version?.time).to.match(/^\d{4}-\d\d-\d\dT/)
    expect(nodeOf(report, fallback).copy).to.equal(null)
    expect(report.reads.map(({ answers }) => answers.length)).to.deep.equal([1, 1, 1])
  })

  it('names an owner that is down, and who keeps a hint for it', async () => {
    const away = owners[2] as string
    ring.machine(away).crash(false)
    await ring.pass(5_000)
    await ring.ask(owners[0] as string, put(null))
    await ring.pass(2_000)
    const report = await ring.ask(owners[0] as string, explain)
    expect(report.same).to.equal(false)
    const gone = nodeOf(report, away)
    expect([gone.answered, gone.copy, gone.state]).to.deep.equal([false, null, 'down'])
    expect(gone.problem).to.match(/^not reached: /)
    const hints = report.nodes.flatMap(({ hints }) => hints)
    expect(hints.map((hint) => [hint.for, hint.copy.versions[0]?.state])).to.deep.equal([[away, 'deleted']])
    const result = await ring.ask(owners[0] as string, repair)
    expect(result).to.deep.include({ mended: [], unseen: [away], complete: false })
    expect(result.failed.map(({ id }) => id)).to.deep.equal([away])
  })

  it('differs on an owner whose disk was emptied, and is mended there', async () => {
    const wiped = owners[1] as string
    ring.machine(wiped).crash(false)
    ring.machine(wiped).disk.replace()
    await ring.wake()
    const before = await ring.ask(fallback, explain)
    const [version] = before.merged?.versions ?? []
    expect(before.same).to.equal(false)
    expect(nodeOf(before, wiped).difference).to.deep.equal({
      lacks: [version?.version],
      outdated: [],
      restamped: [],
      pastDiffers: false,
    })
    expect(nodeOf(before, wiped).problem).to.contain('until it is filled, reads do not count it')
    expect(before.reads[0]?.answers.map(({ outcome }) => outcome)).to.deep.equal(['value'])
    const result = await ring.ask(fallback, repair)
    expect(result).to.deep.include({ mended: [wiped], failed: [], unseen: [], complete: true })
    expect(result.sound).to.have.members(owners.filter((id) => id !== wiped))
    const after = await ring.ask(fallback, explain)
    expect(after.same).to.equal(true)
    expect(await ring.ask(fallback, repair)).to.deep.include({ mended: [], complete: true })
  })

  it('is told of one that nobody has', async () => {
    const nothing = keyFromText('nothing')
    const report = await ring.ask('n1', (node) => node.keys.explain(nothing))
    expect(report).to.include({ same: true, merged: null })
    expect(report.reads.map(({ answers }) => answers[0]?.outcome)).to.deep.equal(Array(3).fill('not_found'))
    const result = await ring.ask('n1', (node) => node.keys.repair(nothing))
    expect(result).to.deep.include({ versions: [], mended: [], complete: true })
  })
})
