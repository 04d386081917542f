import { expect } from 'chai'
import { parseDuration } from '../../../shared/duration.ts'

describe('a duration', () => {
  const good: [string, number][] = [
    ['1', 1],
    ['250', 250],
    ['500ms', 500],
    ['1.5s', 1500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['1m0.5s', 60_500],
  ]
  for (const [text, ms] of good) {
    it(`${text} is ${ms} ms`, () => expect(parseDuration(text, 'ttl')).to.equal(ms))
  }
  for (const text of [
    '',
    '0',
    '0s',
    '-1s',
    '1 s',
    '1w',
    'abc',
    '1e3',
    '1h30',
    'h30m',
    '1h 30m',
    '0.1ms',
    'Infinity',
    '999999999999999d',
  ]) {
    it(`${JSON.stringify(text)} is refused`, () => {
      expect(() => parseDuration(text, 'ttl'))
        .to.throw('ttl')
        .with.property('code', 'usage')
    })
  }
})
