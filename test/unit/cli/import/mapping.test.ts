import { expect } from 'chai'
import { jsonRecord } from '../../../../cli/import/json-record.ts'
import { parseErrorLimit, parseRate, RateLimit } from '../../../../cli/import/limits.ts'
import { makeMapping } from '../../../../cli/import/mapping.ts'
import type { Row } from '../../../../cli/import/parser.ts'
import { Template } from '../../../../cli/import/template.ts'

const row = (json: string): Row => jsonRecord(1, json) as Row

describe('the key template', () => {
  it('fills in fields, nested ones and doubled braces', () => {
    const fields = { country: 'AD', id: 7, address: { city: 'x' }, 'a.b': 'dotted' }
    expect(new Template('{country}/{id}').fill(fields)).to.equal('AD/7')
    expect(new Template('{address.city}-{a.b}').fill(fields)).to.equal('x-dotted')
    expect(new Template('{{{country}}}:{id}').fill(fields)).to.equal('{AD}:7')
  })

  for (const bad of ['', 'plain', '{', '{}', 'a}', '{a', '{{a}}']) {
    it(`refuses ${JSON.stringify(bad)}`, () =>
      expect(() => new Template(bad))
        .to.throw()
        .with.property('code', 'usage'))
  }
})

describe('what is written for a record', () => {
  it('is the whole record as it stands, without blanks, or one field', () => {
    const record = row('{ "id": 1, "big": 12345678901234567890,\n "text": "a b" }')
    expect(makeMapping({ key: 'u{id}' })(record)).to.include({
      key: 'u1',
      value: '{"id":1,"big":12345678901234567890,"text":"a b"}',
    })
    expect(makeMapping({ key: 'u{id}', value: 'text' })(record).value).to.equal('a b')
    expect(makeMapping({ key: '{value}', value: 'value' })(row('"word"'))).to.include({
      key: 'word',
      value: 'word',
    })
  })

  const bad: [string, string, string][] = [
    ['a missing field', '{"id":null}', 'missing'],
    ['an object as a key', '{"id":{}}', 'no text'],
    ['an empty key', '{"id":""}', 'empty'],
    ['a key that is too long', `{"id":"${'x'.repeat(1025)}"}`, '1025 bytes'],
    ['half a surrogate pair', '{"id":"\\ud800"}', 'surrogate'],
    ['a field only of the prototype', '{}', 'missing'],
  ]
  for (const [what, json, reason] of bad) {
    it(`is nothing for ${what}`, () => expect(() => makeMapping({ key: '{id}' })(row(json))).to.throw(reason))
  }

  it('is refused for base64 that is none, in records of an export', () => {
    expect(() => makeMapping({})(row('{"key":"a","value":"***","encoding":"base64"}'))).to.throw('base64')
  })
})

describe('limits of an import', () => {
  it('a rate lets through what it says', () => {
    let nowMs = 0
    const limit = new RateLimit(parseRate('100/s'), () => nowMs)
    for (let i = 0; i < 1000; i++) nowMs += limit.take()
    expect(nowMs).to.be.within(9_800, 10_000)
    expect(() => parseRate('0/s')).to.throw()
    expect(() => parseRate('fast')).to.throw()
  })

  it('errors are limited by count, or by their share once there are enough records', () => {
    expect(parseErrorLimit('2').exceeded(2, 2, true)).to.equal(false)
    expect(parseErrorLimit('2').exceeded(3, 3, false)).to.equal(true)
    expect(parseErrorLimit('10%').exceeded(5, 10, false)).to.equal(false)
    expect(parseErrorLimit('10%').exceeded(5, 10, true)).to.equal(true)
    expect(parseErrorLimit('10%').exceeded(101, 1000, false)).to.equal(true)
    expect(() => parseErrorLimit('101%')).to.throw()
    expect(() => parseErrorLimit('-1')).to.throw()
  })
})
