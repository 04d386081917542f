import { expect } from 'chai'
import { FrameParser, frameOf } from '../../../server/adapters/frame.ts'
import { KvError } from '../../../shared/errors.ts'

const LIMIT = 64 << 20

function parserOf(maxBytes = LIMIT, seed = 0): { parser: FrameParser; frames: Buffer[] } {
  const parser = new FrameParser({ maxBytes, seed })
  const frames: Buffer[] = []
  parser.onFrame = (payload) => frames.push(payload)
  return { parser, frames }
}

function header(length: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(length, 0)
  return bytes
}

describe('FrameParser', () => {
  it('shares the memory of the chunk where a frame lies within one', () => {
    const { parser, frames } = parserOf()
    const chunk = Buffer.concat([frameOf(Buffer.from('one'), 0), frameOf(Buffer.from('two'), 0)])
    parser.push(chunk)
    expect(frames.map(String)).to.deep.equal(['one', 'two'])
    for (const frame of frames) expect(frame.buffer).to.equal(chunk.buffer)
  })

  it('refuses an oversized frame by its header alone', () => {
    for (const length of [LIMIT + 1, 0xffff_ffff]) {
      const { parser } = parserOf()
      expect(() => parser.push(header(length)))
        .to.throw(KvError)
        .with.property('code', 'too_large')
    }
  })

  it('sets little memory aside on the word of a header', () => {
    const { parser } = parserOf()
    const before = process.memoryUsage().arrayBuffers
    parser.push(Buffer.concat([header(LIMIT), Buffer.alloc(100)]))
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(4 << 20)
  })

  it('takes time in proportion to a frame that arrives byte by byte in small pieces', () => {
    const payload = Buffer.alloc(8 << 20, 5)
    const { parser, frames } = parserOf()
    const stream = frameOf(payload, 0)
    const startMs = performance.now()
    for (let at = 0; at < stream.length; at += 64) parser.push(stream.subarray(at, at + 64))
    // Joining all pieces again for each of the 131,072 would copy 512 GiB.
    expect(performance.now() - startMs).to.be.below(10_000)
    expect(frames).to.have.length(1)
    expect(frames[0]?.equals(payload)).to.equal(true)
  })

  it('refuses a wrong checksum, and the right one of another connection', () => {
    const damaged = frameOf(Buffer.from('payload'), 0)
    damaged[10] = 0
    expect(() => parserOf().parser.push(damaged)).to.throw('checksum')
    expect(() => parserOf(LIMIT, 1).parser.push(frameOf(Buffer.from('payload'), 2))).to.throw('checksum')
  })

  it('follows new rules from the next frame on, within one chunk', () => {
    const { parser, frames } = parserOf(3, 0)
    parser.onFrame = (payload) => {
      frames.push(payload)
      parser.setRules({ maxBytes: 100, seed: 9 })
    }
    parser.push(Buffer.concat([frameOf(Buffer.from('abc'), 0), frameOf(Buffer.from('longer'), 9)]))
    expect(frames.map(String)).to.deep.equal(['abc', 'longer'])
  })

  it('hands out nothing more once it is stopped', () => {
    const { parser, frames } = parserOf()
    parser.onFrame = (payload) => {
      frames.push(payload)
      parser.stop()
    }
    const frame = frameOf(Buffer.from('x'), 0)
    parser.push(Buffer.concat([frame, frame, frame.subarray(0, 4)]))
    parser.push(Buffer.concat([frame.subarray(4), frame]))
    expect(frames).to.have.length(1)
  })
})
