import { expect } from 'chai'
import { Outbox } from '../../../server/adapters/outbox.ts'

const outboxOf = (maxQueuedBytes = 1 << 20) =>
  new Outbox({ seed: 0, maxMessageBytes: 1 << 20, maxQueuedBytes })

describe('Outbox', () => {
  it('puts all small messages into one write', () => {
    const outbox = outboxOf()
    for (let i = 0; i < 100; i++) outbox.append(Buffer.alloc(200))
    expect(outbox.beginWrite().map((chunk) => chunk.length)).to.deep.equal([100 * 208])
  })

  it('has one write under way at a time, and counts it as queued until it ends', () => {
    const outbox = outboxOf()
    outbox.append(Buffer.alloc(92))
    outbox.beginWrite()
    outbox.append(Buffer.alloc(192))
    expect(outbox.beginWrite()).to.deep.equal([])
    expect(outbox.queuedBytes).to.equal(300)
    outbox.endWrite()
    expect(outbox.queuedBytes).to.equal(200)
    expect(outbox.beginWrite()).to.have.length(1)
  })

  it('refuses what does not fit, and takes it once there is room', () => {
    const outbox = outboxOf(1000)
    expect(outbox.append(Buffer.alloc(892))).to.equal(true)
    expect(outbox.append(Buffer.alloc(93))).to.equal(false)
    expect(outbox.append(Buffer.alloc(92))).to.equal(true)
    expect(outbox.queuedBytes).to.equal(1000)
    outbox.beginWrite()
    expect(outbox.append(Buffer.alloc(1))).to.equal(false)
    outbox.endWrite()
    expect(outbox.append(Buffer.alloc(1))).to.equal(true)
  })

  it('takes one message over the bound of the queue, but none over that of a frame', () => {
    const outbox = outboxOf(1000)
    expect(outbox.append(Buffer.alloc((1 << 20) + 1))).to.equal(false)
    expect(outbox.append(Buffer.alloc(1 << 20))).to.equal(true)
    expect(outbox.append(Buffer.alloc(1))).to.equal(false)
  })

  it('copies small messages and not large ones', () => {
    const outbox = outboxOf()
    const large = Buffer.alloc(100_000)
    const small = Buffer.alloc(100)
    outbox.append(small)
    outbox.append(large)
    const memory = outbox.beginWrite().map((chunk) => chunk.buffer)
    expect(memory).to.include(large.buffer)
    expect(memory).not.to.include(small.buffer)
  })

  it('hands over a large message in parts, so that progress shows', () => {
    const outbox = outboxOf()
    outbox.append(Buffer.alloc(1 << 20))
    const first = outbox.beginWrite().reduce((sum, chunk) => sum + chunk.length, 0)
    expect(first).to.be.within(1, 512 << 10)
    expect(outbox.queuedBytes).to.equal((1 << 20) + 8)
  })

  it('keeps little memory for little messages behind a blocked write', () => {
    const outbox = outboxOf(64 << 20)
    const before = process.memoryUsage().arrayBuffers
    outbox.append(Buffer.alloc(1))
    outbox.beginWrite()
    for (let i = 0; i < 100_000; i++) outbox.append(Buffer.alloc(100))
    expect(outbox.queuedBytes).to.equal(9 + 100_000 * 108)
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(32 << 20)
  })
})
