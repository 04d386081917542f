import { expect } from 'chai'
import fc from 'fast-check'
import { decodeBytes, decodeKey, encodeBytes, encodeKey } from '../../../shared/encoding.ts'
import type { KvError } from '../../../shared/errors.ts'
import { keyFromBytes } from '../../../shared/key.ts'

describe('bytes in JSON', () => {
  it('come back as they were, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
        const { text, encoding } = JSON.parse(JSON.stringify(encodeBytes(Buffer.from(array))))
        expect([...decodeBytes(text, encoding)]).to.deep.equal([...array])
      }),
    )
  })

  it('keep a byte order mark and NUL as text', () => {
    expect(encodeBytes(Buffer.from('\ufeff\0é'))).to.deep.equal({ text: '\ufeff\0é', encoding: 'utf8' })
  })

  it('are base64 where they are not UTF-8', () => {
    expect(encodeBytes(Buffer.of(0xff, 0xfe))).to.deep.equal({ text: '//4=', encoding: 'base64' })
  })

  for (const text of ['a', 'ab=', '====', 'a b=', 'ab-_']) {
    it(`refuse ${JSON.stringify(text)} as base64`, () => {
      expect(() => decodeBytes(text, 'base64'))
        .to.throw()
        .with.property('code', 'usage' satisfies KvError['code'])
    })
  }

  it('name a key the same both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (array) => {
        const key = keyFromBytes(array)
        const named = encodeKey(key)
        expect(decodeKey(named.key, named.keyEncoding)).to.equal(key)
      }),
    )
  })
})
