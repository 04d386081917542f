import { expect } from 'chai'
import { type Beacon, BeaconCodec, MAX_BEACON_BYTES } from '../../../server/membership/beacon.ts'

const beacon: Beacon = {
  cluster: 'local',
  id: 'n1',
  incarnation: 'a1b2',
  peer: { host: '10.0.0.1', port: 7201 },
  http: 'http://10.0.0.1:7001',
  zone: 'eu',
  weight: 1,
  layoutVersion: 3,
  ringId: 'feedbeef',
  wallMs: 1_767_225_600_000,
  sequence: 7,
}
const secret = Buffer.from('the secret')
const codec = new BeaconCodec({ cluster: 'local', secret })

describe('beacon', () => {
  it('comes back as it was, to whoever has the secret', () => {
    expect(codec.decode(codec.encode(beacon))).to.deep.equal(beacon)
  })

  it('is never believed when a single bit of it differs', () => {
    const datagram = codec.encode(beacon)
    for (let bit = 0; bit < datagram.length * 8; bit++) {
      const altered = Buffer.from(datagram)
      altered[bit >> 3] = (altered[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(codec.decode(altered), `bit ${bit}`).to.be.oneOf(['forged', 'elsewhere'])
    }
  })

  it('is never believed when cut short, lengthened or empty', () => {
    const datagram = codec.encode(beacon)
    for (let length = 0; length < datagram.length; length++) {
      expect(codec.decode(datagram.subarray(0, length))).to.be.a('string')
    }
    expect(codec.decode(Buffer.concat([datagram, Buffer.of(0)]))).to.be.a('string')
    expect(codec.decode(Buffer.alloc(MAX_BEACON_BYTES + 1))).to.equal('elsewhere')
  })

  it('tells a wrong secret from another cluster, whatever its secret', () => {
    const wrong = new BeaconCodec({ cluster: 'local', secret: Buffer.from('a guess') })
    expect(codec.decode(wrong.encode(beacon))).to.equal('forged')
    const other = { ...beacon, cluster: 'other' }
    for (const key of [secret, Buffer.from('their own')]) {
      const theirs = new BeaconCodec({ cluster: 'other', secret: key }).encode(other)
      expect(codec.decode(theirs)).to.equal('elsewhere')
    }
  })

  it('does not believe a genuine signature under the tag of another cluster name', () => {
    expect(codec.decode(codec.encode({ ...beacon, cluster: 'other' }))).to.equal('elsewhere')
  })

  it('fits one datagram with the longest names, and says so when it does not', () => {
    const long = 'x'.repeat(64)
    const longest = {
      ...beacon,
      id: long,
      incarnation: long,
      zone: long,
      ringId: long,
      http: 'h'.repeat(255),
    }
    expect(codec.encode(longest).length).to.be.at.most(MAX_BEACON_BYTES)
    expect(() => codec.encode({ ...beacon, http: 'h'.repeat(900) })).to.throw('over 1000')
  })
})
