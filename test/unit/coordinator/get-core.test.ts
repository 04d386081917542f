import { expect } from 'chai'
import { EMPTY_RECORD } from '../../../server/causality/record.ts'
import { encodeRecord } from '../../../server/causality/record-codec.ts'
import { GetCore } from '../../../server/coordinator/get-core.ts'
import { keyFromText } from '../../../shared/key.ts'

const key = keyFromText('k')
const NONE = Buffer.alloc(0)

const held = (bytes: Buffer, { floor = 0, complete = true } = {}) => ({ bytes, floor, complete })

function encoded(actor: string, counter: number): Buffer {
  const sibling = {
    dot: { actor, counter },
    stamp: { wallMs: counter, logical: 0 },
    value: Buffer.from(actor),
    expiresAtMs: 0,
    request: '',
    attempt: 0,
  }
  return encodeRecord(key, { past: new Map(), siblings: [sibling], retired: [] })
}

describe('GetCore', () => {
  it('has enough with r replies, of which hint holders do not count', () => {
    const core = new GetCore(key, { r: 2 })
    core.replied('a', 'owner', held(NONE))
    core.replied('d', 'hint', held(NONE))
    expect([core.enough, core.count, core.ownersReplied]).to.deep.equal([false, 1, 1])
    core.replied('e', 'fallback', held(NONE))
    expect([core.enough, core.count, core.ownersReplied]).to.deep.equal([true, 2, 1])
  })

  it('does not count an owner whose disk has lost something, but takes and mends what it has', () => {
    const core = new GetCore(key, { r: 2 })
    core.replied('a', 'owner', held(encoded('a', 1), { complete: false }))
    core.replied('b', 'owner', held(encoded('b', 1)))
    expect([core.enough, core.count, core.ownersReplied, core.forgetful]).to.deep.equal([false, 1, 1, 1])
    core.replied('c', 'owner', held(NONE))
    expect([core.enough, core.count, core.ownersReplied]).to.deep.equal([true, 2, 2])
    expect(core.merged().siblings.map((sibling) => sibling.dot.actor)).to.deep.equal(['a', 'b'])
    expect(core.stale().nodes).to.deep.equal(['a', 'b', 'c'])
  })

  it('merges what differs, hints included', () => {
    const core = new GetCore(key, { r: 2 })
    core.replied('a', 'owner', held(encoded('a', 1)))
    core.replied('b', 'owner', held(NONE))
    core.replied('d', 'hint', held(encoded('d', 2)))
    expect(core.merged().siblings.map((sibling) => sibling.dot.actor)).to.deep.equal(['a', 'd'])
  })

  it('is EMPTY_RECORD when nobody has anything', () => {
    const core = new GetCore(key, { r: 1 })
    core.replied('a', 'owner', held(NONE))
    expect(core.merged()).to.equal(EMPTY_RECORD)
  })

  it('names the owners that are behind, never fallbacks', () => {
    const core = new GetCore(key, { r: 3 })
    core.replied('a', 'owner', held(encoded('a', 1)))
    core.replied('b', 'owner', held(NONE))
    core.replied('d', 'fallback', held(NONE))
    expect(core.agreed).to.equal(false)
    const { nodes, bytes } = core.stale()
    expect(nodes).to.deep.equal(['b'])
    expect(bytes.equals(encoded('a', 1))).to.equal(true)
  })

  it('finds that all agree by their bytes', () => {
    const core = new GetCore(key, { r: 2 })
    core.replied('a', 'owner', held(encoded('a', 1)))
    core.replied('b', 'owner', held(encoded('a', 1)))
    expect(core.agreed).to.equal(true)
  })
})
