import { expect } from 'chai'
import { complaints } from './complaints.ts'
import { Story } from './story.ts'
import { uniqueness } from './uniqueness.ts'

describe('the uniqueness checker', () => {
  it('flags a dot that names two writes, and none that is seen twice', () => {
    const story = new Story()
    const first = story.write(1, 2)
    story.seen(first, 10, 'a', 1)
    story.seen(first, 10, 'a', 1)
    expect(complaints(uniqueness, story)).to.equal('')
    story.seen(story.write(3, 4), 20, 'a', 1)
    expect(complaints(uniqueness, story)).to.match(/a:1 names c1-1 of k and c1-2 of k/)
  })
})
