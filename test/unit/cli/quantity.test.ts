import { expect } from 'chai'
import { formatBytes, formatNodes, formatShare } from '../../../cli/render/quantity.ts'

describe('quantities for people', () => {
  it('are bytes in the largest unit that leaves one of it', () => {
    const shown = [0, 1023, 1024, 3.4 * 1024 ** 2, 5000 * 1024 ** 4].map(formatBytes)
    expect(shown).to.deep.equal(['0 B', '1023 B', '1.0 KiB', '3.4 MiB', '5000.0 TiB'])
  })

  it('are shares of a hundred, and nodes', () => {
    expect([formatShare(0.6), formatShare(1)]).to.deep.equal(['60.0%', '100.0%'])
    expect([0, 1, 2].map(formatNodes)).to.deep.equal(['0 nodes', '1 node', '2 nodes'])
  })
})
