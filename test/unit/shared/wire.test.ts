import { expect } from 'chai'
import fc from 'fast-check'
import { ByteReader, ByteWriter } from '../../../shared/wire.ts'

describe('a text in a message', () => {
  const texts = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.constantFrom(
      'a'.repeat(63),
      'a'.repeat(64),
      'a'.repeat(65),
      `${'a'.repeat(63)}é`,
      '\0',
      '\x7f',
      '\x80',
    ),
  )

  it('is its UTF-8 with the size before it, whatever stands around it', () => {
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 5 }), fc.integer({ min: 1, max: 8 }), (list, capacity) => {
        const writer = new ByteWriter(capacity)
        for (const text of list) writer.text(text)
        const expected = list.flatMap((text) => {
          const bytes = Buffer.from(text, 'utf8')
          return [bytes.length >>> 8, bytes.length & 0xff, ...bytes]
        })
        const message = writer.finish()
        expect([...message]).to.deep.equal(expected)
        const reader = new ByteReader(message)
        expect(list.map(() => reader.text())).to.deep.equal(list)
        reader.done()
      }),
    )
  })

  it('is refused where its size does not fit', () => {
    expect(() => new ByteWriter().text('a'.repeat(0x1_0000)))
      .to.throw()
      .with.property('code', 'too_large')
  })
})
