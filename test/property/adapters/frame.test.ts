import { expect } from 'chai'
import fc from 'fast-check'
import { FrameParser, frameOf } from '../../../server/adapters/frame.ts'
import { Outbox } from '../../../server/adapters/outbox.ts'

const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 })
const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 })

/** The stream in pieces of the given sizes, again and again. */
function* pieces(stream: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < stream.length; i++) {
    const size = sizes[i % sizes.length] as number
    yield stream.subarray(at, at + size)
    at += size
  }
}

function parse(chunks: Iterable<Buffer>, maxBytes: number, seed: number): Buffer[] {
  const parser = new FrameParser({ maxBytes, seed })
  const frames: Buffer[] = []
  parser.onFrame = (payload) => frames.push(payload)
  for (const chunk of chunks) parser.push(chunk)
  return frames
}

describe('frames', () => {
  it('are the same however the stream is cut', () => {
    fc.assert(
      fc.property(payloads, cuts, fc.integer({ min: 0, max: 0xffff_ffff }), (sent, sizes, seed) => {
        const stream = Buffer.concat(sent.map((payload) => frameOf(payload, seed)))
        const parsed = parse(pieces(stream, sizes), 300, seed)
        expect(parsed).to.deep.equal(sent.map((payload) => Buffer.from(payload)))
      }),
    )
  })

  it('never come out altered when a byte of the stream is', () => {
    fc.assert(
      fc.property(payloads, cuts, fc.nat(), fc.integer({ min: 1, max: 255 }), (sent, sizes, where, flip) => {
        fc.pre(sent.length > 0)
        const stream = Buffer.concat(sent.map((payload) => frameOf(payload, 7)))
        const at = where % stream.length
        stream[at] = (stream[at] as number) ^ flip
        const parsed: Buffer[] = []
        const parser = new FrameParser({ maxBytes: 300, seed: 7 })
        parser.onFrame = (payload) => parsed.push(payload)
        try {
          for (const chunk of pieces(stream, sizes)) parser.push(chunk)
        } catch {
          // Refused, as it should be; what came before must be right all the same.
        }
        expect(parsed.length).to.be.below(sent.length)
        for (const [i, payload] of parsed.entries())
          expect(payload.equals(sent[i] as Uint8Array)).to.equal(true)
      }),
    )
  })

  it('come out of an outbox as the messages that were appended', () => {
    const message = fc.oneof(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 8000, max: 9000 }),
      fc.integer({ min: 60_000, max: 600_000 }),
    )
    const step = fc.oneof({ weight: 4, arbitrary: message }, { weight: 1, arbitrary: fc.constant(0) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const outbox = new Outbox({ seed: 3, maxMessageBytes: 1 << 20, maxQueuedBytes: 1 << 30 })
        const sent: Buffer[] = []
        const written: Buffer[] = []
        for (const [i, size] of steps.entries()) {
          if (size === 0) {
            written.push(...outbox.beginWrite())
            outbox.endWrite()
          } else {
            sent.push(Buffer.alloc(size, i + 1))
            expect(outbox.append(sent.at(-1) as Buffer)).to.equal(true)
          }
        }
        while (outbox.queuedBytes > 0) {
          written.push(...outbox.beginWrite())
          outbox.endWrite()
        }
        expect(parse(written, 1 << 20, 3)).to.deep.equal(sent)
      }),
      { numRuns: 40 },
    )
  })
})
