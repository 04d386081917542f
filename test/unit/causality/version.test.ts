import { expect } from 'chai'
import { versionOf } from '../../../server/causality/version.ts'
import { sibling } from './records.ts'

describe('versionOf', () => {
  it('names one version by its dot', () => {
    expect(versionOf([sibling('a12', 5)])).to.equal('a:12')
    expect(versionOf([])).to.equal('')
  })

  it('names several in dot order, whatever order they are given in', () => {
    const several = [sibling('b2', 9), sibling('a12', 5), sibling('a3', 7)]
    expect(versionOf(several)).to.equal('a:3+a:12+b:2')
    expect(versionOf([...several].reverse())).to.equal('a:3+a:12+b:2')
  })

  it('stays short for many, and still tells them apart', () => {
    const many = Array.from({ length: 100 }, (_, i) => sibling(`a${i + 1}`, i))
    const name = versionOf(many)
    expect(name.length).to.be.at.most(40)
    expect(name).to.match(/^100\+[0-9a-f]{32}$/)
    expect(versionOf(many.slice(1))).to.not.equal(name)
    expect(versionOf([...many].reverse())).to.equal(name)
  })
})
