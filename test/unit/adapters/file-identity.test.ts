import { expect } from 'chai'
import { isSameFile } from '../../../server/adapters/file-identity.ts'

describe('the identity of a file', () => {
  it('is its inode and its birth, and its device only where no birth is known', () => {
    expect(isSameFile('1:20:300', '1:20:300')).to.equal(true)
    expect(isSameFile('1:20:300', '2:20:300'), 'another device').to.equal(true)
    expect(isSameFile('1:20:300', '1:21:300'), 'another inode').to.equal(false)
    expect(isSameFile('1:20:300', '1:20:301'), 'another birth').to.equal(false)
    expect(isSameFile('1:20:0', '1:20:0')).to.equal(true)
    expect(isSameFile('1:20:0', '2:20:0'), 'another device, no birth').to.equal(false)
  })
})
