import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { beginningOf, isRunning, sendSignal } from '../../../cli/local-ring/process-identity.ts'

describe('the identity of a process', () => {
  let child: ChildProcess

  beforeEach(async () => {
    child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)'])
    await once(child.stdout as NodeJS.ReadableStream, 'data')
  })

  afterEach(() => {
    child.kill('SIGKILL')
  })

  const identity = () => ({ pid: child.pid as number, began: beginningOf(child.pid as number) as string })

  it('stays the same while the process runs, and is gone with it', async () => {
    const before = identity()
    expect(before).to.deep.equal(identity())
    expect(isRunning(before)).to.equal(true)
    expect(sendSignal(before, 'SIGKILL')).to.equal(true)
    await once(child, 'exit')
    expect(isRunning(before)).to.equal(false)
    expect(sendSignal(before, 'SIGKILL')).to.equal(false)
  })

  it('keeps a process that has the id of an earlier one from being signalled', () => {
    const earlier = { ...identity(), began: 'some boot:12345' }
    expect(isRunning(earlier)).to.equal(false)
    expect(sendSignal(earlier, 'SIGKILL')).to.equal(false)
    expect(isRunning(identity())).to.equal(true)
  })
})
