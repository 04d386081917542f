import { expect } from 'chai'
import { unsupportedNode } from '../../../cli/bin/ensure.js'

describe('unsupportedNode', () => {
  it('accepts the oldest supported version and all after it', () => {
    for (const version of ['20.19.0', '20.20.2', '22.0.0', '26.1.0'])
      expect(unsupportedNode(version)).to.equal(undefined)
  })

  it('says what is too old', () => {
    for (const version of ['20.18.9', '18.20.0']) expect(unsupportedNode(version)).to.include(version)
  })
})
