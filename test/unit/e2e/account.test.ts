import { expect } from 'chai'
import { account } from '../../e2e/histories/account.ts'
import { Story } from '../../simulation/checkers/story.ts'

describe('account', () => {
  it('tells what happened to a key, in the order of time, and what was left of it', () => {
    const story = new Story()
    const write = story.write(1, 3)
    story.seen(write, 10)
    story.read(2, 4, [write])
    story.wipe(5)
    story.holds('n1', write)
    story.holds('n4', undefined, 1, false)
    expect(account(story.evidence, 'k')).to.deep.equal([
      '1.000 s c1-1 attempt 0 to n1: put w1 w=2',
      '2.000 s read 2 from n1 r=2',
      '3.000 s c1-1 attempt 0: ok  acks=2',
      '4.000 s read 2: ok w1 replies=2',
      '5.000 s a disk was lost, until 5.000 s',
      'c1-1 attempt 0 as a:10 at 10.0',
      'n1 holds c1-1 as a:1',
    ])
  })
})
