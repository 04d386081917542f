import { expect } from 'chai'
import { complaints } from './complaints.ts'
import { convergence } from './convergence.ts'
import { Story } from './story.ts'

describe('the convergence checker', () => {
  it('is content with owners that hold the same', () => {
    const story = new Story()
    const write = story.write(1, 2)
    for (const node of ['n1', 'n2', 'n3']) story.holds(node, write)
    story.holds('n4', undefined, 1, false)
    expect(complaints(convergence, story)).to.equal('')
  })

  it('flags a damaged record that nobody has mended', () => {
    const story = new Story()
    story.holdsDamaged('n1')
    story.holdsDamaged('n2')
    expect(complaints(convergence, story)).to.equal('n1 holds a damaged record\nn2 holds a damaged record')
  })

  it('flags owners that differ, strangers that hold something, and answers that differ', () => {
    const story = new Story()
    const first = story.write(1, 2)
    const second = story.write(3, 4)
    story.holds('n1', first)
    story.holds('n2', second)
    story.holds('n4', first, 1, false)
    story.read(5, 6, [first], { final: true })
    story.read(5, 6, [second], { final: true })
    const found = complaints(convergence, story)
    expect(found).to.match(/n2 holds .*, n1 holds/)
    expect(found).to.match(/n4 is no owner/)
    expect(found).to.match(/the nodes answer differently/)
  })
})
