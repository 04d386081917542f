import { expect } from 'chai'
import type { Layout } from '../../../server/membership/layout.ts'
import { LayoutStore } from '../../../server/membership/layout-store.ts'
import { encodeVote, VOTE_KEY } from '../../../server/membership/vote.ts'
import type { DecreeAnswer } from '../../../server/paxos/decree-methods.ts'
import { LayoutVoter } from '../../../server/paxos/layout-voter.ts'
import type { StorageOp } from '../../../server/ports/storage.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import { SlotTable } from '../../../server/ring/slot-table.ts'
import type { KvError } from '../../../shared/errors.ts'
import { MemoryDisk } from '../../simulation/memory-disk.ts'
import { readyClock } from '../ready-clock.ts'
import { diskStorage } from '../replica/disk-storage.ts'
import { RpcStub } from '../rpc-stub.ts'
import { silentTrace } from '../silent-trace.ts'

const MEMBERS = ['n1', 'n2', 'n3'].map((id) => ({ id, zone: '', weight: 1 }))
const FIRST: Layout = {
  version: 1,
  cluster: 'c',
  ringId: 'r',
  n: 3,
  r: 2,
  w: 2,
  conflicts: 'lww',
  members: MEMBERS,
  former: [],
}
const SECOND: Layout = { ...FIRST, version: 2, conflicts: 'siblings' }
const OTHER: Layout = { ...FIRST, version: 2, w: 3 }
const ballot = (round: number, proposer = 'n1') => ({ round, proposer })

type Answer = { error: KvError | undefined; answer: DecreeAnswer | undefined }

/** Node n1, as it comes up on a disk. */
async function voterOn(
  disk: MemoryDisk,
  { adopt, incarnation = 'i1' }: { adopt?: Layout; incarnation?: string },
) {
  const storage = diskStorage(disk)
  const place = ({ members, n }: Layout) => SlotTable.build(members, n)
  const layouts = new LayoutStore(
    { storage, trace: silentTrace, place },
    { id: 'n1', cluster: 'c', incarnation },
  )
  layouts.load()
  if (adopt !== undefined) await layouts.adopt(adopt)
  const commit = new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1e7 })
  const voter = new LayoutVoter({ rpc: new RpcStub(), storage, commit, layouts }, { id: 'n1' })
  voter.recover()
  const hear = (ask: (reply: (error: KvError | undefined, answer?: DecreeAnswer) => void) => void) =>
    new Promise<Answer>((resolve) => ask((error, answer) => resolve({ error, answer })))
  return {
    layouts,
    commit: (op: StorageOp) => storage.commit([op]),
    end: () => storage.crash(),
    prepare: (round: number, version = 2, proposer = 'n1') =>
      hear((reply) => voter.prepare({ version, ballot: ballot(round, proposer) }, reply)),
    accept: (round: number, layout: Layout = SECOND) =>
      hear((reply) => voter.accept({ version: layout.version, ballot: ballot(round), layout }, reply)),
  }
}

/** A disk whose node has voted for the ring, and been there since. */
async function foundersDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const vote = encodeVote({ proposer: 'n1', proposerIncarnation: 'i1', layout: FIRST })
  const storage = diskStorage(disk)
  await storage.commit([{ type: 'put', key: VOTE_KEY, value: vote }])
  storage.crash()
  const voter = await voterOn(disk, { adopt: FIRST })
  voter.end()
  return disk
}

describe('the vote of a member about the next layout', () => {
  it('is promised to the highest ballot, and tells what was accepted', async () => {
    const { prepare, accept } = await voterOn(await foundersDisk(), {})
    expect((await prepare(2)).answer).to.deep.include({ answer: 'yes', accepted: undefined })
    expect((await prepare(1)).answer).to.deep.include({ answer: 'outbid', ballot: ballot(2) })
    expect((await accept(1)).answer?.answer).to.equal('outbid')
    expect((await accept(2)).answer?.answer).to.equal('yes')
    const { answer } = await prepare(3, 2, 'n2')
    expect(answer?.accepted).to.deep.equal({ ballot: ballot(2), value: SECOND })
    expect((await accept(2, OTHER)).answer?.answer).to.equal('outbid')
  })

  it('is not forgotten by a process that ends', async () => {
    const disk = await foundersDisk()
    const before = await voterOn(disk, {})
    await before.prepare(4)
    await before.accept(4)
    await before.prepare(6)
    before.end()
    const after = await voterOn(disk, {})
    expect((await after.prepare(5)).answer).to.deep.include({ answer: 'outbid', ballot: ballot(6) })
    expect((await after.accept(5, OTHER)).answer?.answer).to.equal('outbid')
    expect((await after.prepare(7)).answer?.accepted).to.deep.equal({ ballot: ballot(4), value: SECOND })
  })

  it('is about the number after that of its own layout, and ends with it', async () => {
    const { layouts, prepare, accept } = await voterOn(await foundersDisk(), {})
    await prepare(9)
    expect((await prepare(1, 3)).error?.code).to.equal('not_ready')
    expect((await prepare(1, 1)).answer).to.deep.include({ answer: 'decided', layout: FIRST })
    await layouts.adopt(SECOND)
    expect((await prepare(10)).answer).to.deep.include({ answer: 'decided', layout: SECOND })
    expect((await accept(10)).answer).to.deep.include({ answer: 'decided', layout: SECOND })
    // What was promised about number 2 says nothing about number 3.
    expect((await prepare(1, 3)).answer?.answer).to.equal('yes')
  })

  it('is not given to a layout of another ring', async () => {
    const { accept } = await voterOn(await foundersDisk(), {})
    expect((await accept(1, { ...SECOND, ringId: 'other' })).error?.code).to.equal('usage')
  })

  it('is not given by a disk that was not there from the start, but by the number after the next', async () => {
    const { layouts, prepare } = await voterOn(new MemoryDisk(), { adopt: FIRST })
    expect((await prepare(1)).error?.message).to.contain('is newer than the votes')
    await layouts.adopt(SECOND)
    expect((await prepare(1, 3)).answer?.answer).to.equal('yes')
  })

  it('is not given by a copy of a disk, nor by one that was put back', async () => {
    const { prepare } = await voterOn(await foundersDisk(), { incarnation: 'i2' })
    expect((await prepare(1)).error?.code).to.equal('not_ready')
  })

  it('is not given by a disk that peers know to have been put back, until a layout was decided without it', async () => {
    const disk = await foundersDisk()
    const before = await voterOn(disk, {})
    expect((await before.prepare(1)).answer?.answer).to.equal('yes')
    await before.commit(before.layouts.forgetPromises())
    expect((await before.prepare(2)).error?.message).to.contain('the disk of n1 is newer than the votes')
    before.end()
    const after = await voterOn(disk, {})
    expect((await after.prepare(3)).error?.code).to.equal('not_ready')
    // It was put back to layout 1, and may have promised anything about the one after the latest.
    await after.layouts.adopt({ ...SECOND, version: 5 })
    expect((await after.prepare(4, 6)).error?.code).to.equal('not_ready')
    await after.layouts.adopt({ ...SECOND, version: 6 })
    expect((await after.prepare(1, 7)).answer?.answer).to.equal('yes')
  })

  it('is not given either where the doubt is told while a layout is on its way to the disk', async () => {
    const disk = await foundersDisk()
    const { layouts, prepare, commit, end } = await voterOn(disk, {})
    const adopted = layouts.adopt(SECOND)
    const doubted = commit(layouts.forgetPromises())
    await Promise.all([adopted, doubted])
    expect((await prepare(1, 3)).error?.code).to.equal('not_ready')
    end()
    expect((await (await voterOn(disk, {})).prepare(1, 3)).error?.code).to.equal('not_ready')
  })

  it('counts as given only when it is durable', async () => {
    const disk = await foundersDisk()
    const storage = diskStorage(disk)
    const waiting: (() => void)[] = []
    const slow = Object.assign(Object.create(storage), {
      commit: (ops: Parameters<typeof storage.commit>[0]) =>
        new Promise<void>((resolve) => waiting.push(resolve)).then(() => storage.commit(ops)),
    })
    const place = ({ members, n }: Layout) => SlotTable.build(members, n)
    const layouts = new LayoutStore(
      { storage: slow, trace: silentTrace, place },
      { id: 'n1', cluster: 'c', incarnation: 'i1' },
    )
    layouts.load()
    const commit = new GroupCommit(
      { clock: readyClock, storage: slow, trace: silentTrace },
      { maxQueuedBytes: 1e7 },
    )
    const voter = new LayoutVoter({ rpc: new RpcStub(), storage: slow, commit, layouts }, { id: 'n1' })
    const heard: string[] = []
    voter.prepare({ version: 2, ballot: ballot(1) }, (_error, answer) =>
      heard.push(answer?.answer ?? 'error'),
    )
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect([waiting.length, heard]).to.deep.equal([1, []])
    waiting[0]?.()
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(heard).to.deep.equal(['yes'])
  })
})
