import { expect } from 'chai'
import fc from 'fast-check'
import { type Key, keyFromBytes, keyFromText } from '../../../shared/key.ts'
import { SLOTS, slotOf } from '../../../shared/slot.ts'

/** CRC-16/XMODEM bit by bit. */
function slotBitByBit(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const carry = (crc >> 15) ^ ((byte >> bit) & 1)
      crc = ((crc << 1) & 0xffff) ^ (carry ? 0x1021 : 0)
    }
  }
  return crc % SLOTS
}

const slotOfText = (text: string): number => slotOf(keyFromText(text))

describe('slotOf', () => {
  it('agrees with Redis Cluster', () => {
    expect(slotOfText('123456789')).to.equal(0x31c3)
    expect(slotOfText('foo')).to.equal(12_182)
    expect(slotOfText('somekey')).to.equal(11_058)
    expect(slotOfText('foo{hash_tag}')).to.equal(2_515)
    expect(slotOfText('bar{hash_tag}')).to.equal(2_515)
  })

  it('puts keys with the same text in braces together', () => {
    expect(slotOfText('{user1000}.following')).to.equal(slotOfText('{user1000}.followers'))
    expect(slotOfText('{user1000}.following')).to.equal(slotOfText('user1000'))
    expect(slotOfText('foo{bar}{zap}')).to.equal(slotOfText('bar'))
    expect(slotOfText('foo{{bar}}zap')).to.equal(slotOfText('{bar'))
  })

  it('takes the whole key where the braces are empty or open', () => {
    for (const text of ['foo{}{bar}', '{', '}', '{}', 'a{b', 'a}b{c', '}{']) {
      expect(slotOfText(text), text).to.equal(slotBitByBit(Buffer.from(text)))
    }
  })

  it('agrees with the definition for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
        const text = Buffer.from(bytes).toString('latin1')
        const tag = /^[^{]*\{([^}]+)\}/s.exec(text)?.[1]
        const counted = tag === undefined ? bytes : Buffer.from(tag, 'latin1')
        expect(slotOf(keyFromBytes(bytes))).to.equal(slotBitByBit(counted))
        expect(slotOf(`x{${'\x00'}}${text}` as Key)).to.equal(slotBitByBit(Buffer.of(0)))
      }),
    )
  })

  it('spreads keys evenly', () => {
    const counts = new Uint32Array(16)
    for (let i = 0; i < 16_000; i++) {
      const part = slotOfText(`key ${i}`) >> 10
      counts[part] = (counts[part] as number) + 1
    }
    for (const count of counts) expect(count).to.be.within(800, 1_200)
  })
})
