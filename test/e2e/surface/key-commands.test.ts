import { rmSync } from 'node:fs'
import { expect } from 'chai'
import { isUp } from '../../../cli/local-ring/ring-state.ts'
import type { KeyRepairResult, KeyReport } from '../../../shared/key-report.ts'
import { eventually } from '../../eventually.ts'
import { expectFailure, MINUTE, type Up, untilOk, withRing } from './surface.ts'

interface Diff {
  readonly same: boolean
  readonly owners: readonly { readonly id: string; readonly answered: boolean }[]
}

describe('looking at one key', function () {
  this.timeout(2 * MINUTE)

  const { user, up } = withRing()

  const alive = () =>
    user
      .ring()
      .nodes.filter(isUp)
      .map(({ id }) => id)
  const explain = (key: string) => user.json<KeyReport>(['key', 'explain', key])
  const ownersOf = (report: KeyReport) =>
    report.nodes.filter(({ role }) => role === 'owner').map(({ id }) => id)

  it('kv key explain', async () => {
    await user.json(['set', 'greeting', 'hello', '--w', '3', '--ttl', '1h'])
    const report = await explain('greeting')
    expect(report).to.include({ key: 'greeting', same: true, n: 3, conflicts: 'lww' })
    expect(report.nodes.map(({ answered }) => answered)).to.deep.equal(Array(5).fill(true))
    const versions = report.nodes.flatMap(({ copy }) => copy?.versions ?? [])
    expect(versions).to.have.length(3)
    for (const { digest, expiresAt } of versions) {
      expect(digest).to.equal('2cf24dba5fb0a30e')
      expect(Date.parse(expiresAt ?? '')).to.be.greaterThan(Date.now() + 50 * MINUTE)
    }
    expect(report.reads.map(({ r, answers }) => [r, answers[0]?.outcome])).to.deep.equal([
      [1, 'value'],
      [2, 'value'],
      [3, 'value'],
    ])
    const { out } = await user.kv(['key', 'explain', 'greeting'])
    expect(out).to.match(/^all owners hold the same\nslot 12714, n 3, conflicts lww\n\nNODE +ROLE/)
    const bytes = await user.json<KeyReport>(['key', 'explain', '00ff', '--key-encoding', 'hex'])
    expect([bytes.key, bytes.keyEncoding, bytes.merged]).to.deep.equal(['AP8=', 'base64', null])
    expectFailure(await user.kv(['key', 'explain', '', '--json']), 2, 'usage', /key is empty/)
  })

  it('shows an owner that is down, and its hint, and mends what it can', async () => {
    await user.json(['set', 'away', 'one', '--w', '3'])
    const away = ownersOf(await explain('away'))[1] as string
    await user.json(['chaos', 'kill', away])
    await user.json(['set', 'away', 'two'])
    // Two owners are enough for the answer; the hint for the third may come after it.
    const hinted = async () => (await explain('away')).nodes.some(({ hints }) => hints.length > 0)
    await eventually('the hint to be kept', hinted, MINUTE)
    const report = await explain('away')
    const gone = report.nodes.find(({ id }) => id === away)
    expect(report.same).to.equal(false)
    expect(gone).to.include({ answered: false, copy: null })
    expect(report.nodes.flatMap(({ hints }) => hints.map((hint) => hint.for))).to.deep.equal([away])
    const hints = await user.json<{ hints: { target: string; sending: boolean }[] }>(['hints', 'replay'])
    expect(hints.hints.map(({ target, sending }) => [target, sending])).to.deep.include([away, false])
    expectFailure(
      await user.kv(['hints', 'replay', '--node', 'n9', '--json']),
      3,
      'not_found',
      /no node "n9"/,
    )
    const diff = await user.kv(['key', 'diff', 'away', '--exit-code', '--json'])
    expect(diff.code).to.equal(4)
    expect(diff.json<Diff>().owners.map(({ id, answered }) => [id, answered])).to.deep.equal([[away, false]])
    const repair = await user.kv(['key', 'repair', 'away', '--json'])
    expect(repair.code).to.equal(8)
    expect(repair.json<KeyRepairResult>().failed.map(({ id }) => id)).to.deep.equal([away])
    expect((await user.kv(['key', 'repair', 'away'])).out).to.match(
      new RegExp(`^not mended: ${away}, not reached`, 'm'),
    )
  })

  it('mends an owner whose disk was emptied', async () => {
    const { id: wiped, dataDir } = up().nodes.find(({ id }) => !alive().includes(id)) as Up['nodes'][number]
    rmSync(dataDir, { recursive: true, force: true })
    await user.json(['chaos', 'restart', wiped])
    await untilOk(user)
    const result = await user.json<KeyRepairResult>(['key', 'repair', 'away'])
    expect(result).to.deep.include({ failed: [], unseen: [], complete: true })
    expect([...result.mended, ...result.sound]).to.have.members(ownersOf(await explain('away')))
    expect(await user.json<Diff>(['key', 'diff', 'away', '--exit-code'])).to.deep.include({
      same: true,
      owners: [],
    })
    expect(await user.json(['get', 'away', '--r', '1'])).to.include({ value: 'two' })
  })
})
