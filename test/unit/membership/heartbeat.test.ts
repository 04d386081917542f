import { expect } from 'chai'
import { HEARTBEAT, type Heartbeat } from '../../../server/membership/heartbeat.ts'
import { decodePeerBook, encodePeerBook } from '../../../server/membership/peer-book.ts'
import { PeerTable } from '../../../server/membership/peer-table.ts'
import { ByteReader, ByteWriter } from '../../../shared/wire.ts'

const beat: Heartbeat = {
  cluster: 'local',
  incarnation: 'a1b2',
  address: { host: '10.0.0.1', port: 7201 },
  http: 'http://10.0.0.1:7001',
  zone: 'eu',
  weight: 1.5,
  layoutVersion: 3,
  ringId: 'feedbeef',
  layoutDigest: '0123456789abcdef',
  stamp: { wallMs: 1_767_225_600_000, logical: 4 },
  wallMs: 1_767_225_600_001,
  moment: { session: 7, ms: 1234.5 },
  grievances: new Map([
    ['n2', 'unreachable'],
    ['n3', 'suspect'],
    ['n4', 'down'],
  ]),
  doubts: new Map([['n4', 9]]),
  gossip: [{ id: 'n5', address: { host: 'five', port: 5 } }],
  ready: true,
  report: {
    keys: 1,
    bytes: 2 ** 40,
    tombstones: 3,
    hintsHeld: 4,
    hintBytes: 5,
    oldestHintMs: 6.5,
    hintsFor: ['n3', 'n4'],
    divergentSlots: 7,
    unfilledSlots: 11,
    commits: 8,
  },
}

function encode(value: Heartbeat): Buffer {
  const writer = new ByteWriter()
  HEARTBEAT.request.write(writer, value)
  return writer.finish()
}

function decode(bytes: Buffer): Heartbeat {
  const reader = new ByteReader(bytes)
  const value = HEARTBEAT.response.read(reader)
  reader.done()
  return value
}

describe('heartbeat', () => {
  it('comes back as it was, with and without a report', () => {
    expect(decode(encode(beat))).to.deep.equal(beat)
    expect(decode(encode({ ...beat, report: undefined })).report).to.equal(undefined)
  })

  it('is small while nothing is wrong', () => {
    const calm = { ...beat, grievances: new Map(), report: beat.report && { ...beat.report, hintsFor: [] } }
    expect(encode(calm).length).to.be.below(300)
  })

  it('is refused when it ends early, or claims more members than there may be', () => {
    const bytes = encode(beat)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(bytes.subarray(0, length))).to.throw(RangeError)
    }
    const many = new Map(Array.from({ length: 1025 }, (_, index) => [`n${index}`, 'down' as const]))
    expect(() => decode(encode({ ...beat, grievances: many }))).to.throw('a list of 1025')
  })
})

describe('peer table', () => {
  const table = () => {
    const peers = new PeerTable()
    const peer = peers.notice('n1', 0)
    if (peer === undefined) throw new Error('no room')
    return { peers, peer }
  }
  const later = (logical: number, change: Partial<Heartbeat> = {}) => ({
    ...beat,
    stamp: { ...beat.stamp, logical },
    ...change,
  })

  it('takes no notice of a heartbeat that a newer one has overtaken', () => {
    const { peers, peer } = table()
    expect(peers.applyHeartbeat(peer, later(9), 100)).to.equal(true)
    expect(peers.applyHeartbeat(peer, later(8, { http: 'old' }), 200)).to.equal(false)
    expect(peer.http).to.equal(beat.http)
    expect(peers.applyHeartbeat(peer, later(10, { http: 'new' }), 300)).to.equal(true)
    expect(peer.http).to.equal('new')
  })

  it('listens again to a process whose stamps have fallen back for good', () => {
    const { peers, peer } = table()
    peers.applyHeartbeat(peer, later(9), 100)
    expect(peers.applyHeartbeat(peer, later(1), 3100)).to.equal(true)
  })

  it('forgets the report of a former data directory, and keeps it while a process recovers', () => {
    const { peers, peer } = table()
    peers.applyHeartbeat(peer, later(1), 0)
    peers.applyHeartbeat(peer, later(2, { report: undefined }), 1)
    expect(peer.report?.keys).to.equal(1)
    peers.applyHeartbeat(peer, later(3, { report: undefined, incarnation: 'new' }), 2)
    expect(peer.report).to.equal(undefined)
  })

  it('refuses another incarnation until the known one has been silent for 3 s', () => {
    const { peers, peer } = table()
    peers.applyHeartbeat(peer, later(1), 0)
    expect(() => peers.checkIncarnation(peer, 'other', 2999)).to.throw('another data directory')
    expect(() => peers.checkIncarnation(peer, 'a1b2', 2999)).to.not.throw()
    expect(() => peers.checkIncarnation(peer, 'other', 3000)).to.not.throw()
  })

  it('is bounded, and takes no unusable ids', () => {
    const peers = new PeerTable()
    expect(peers.notice('', 0)).to.equal(undefined)
    expect(peers.notice('x'.repeat(65), 0)).to.equal(undefined)
    for (let index = 0; index < 3000; index++) peers.notice(`n${index}`, 0)
    expect([...peers.values()].length).to.equal(1024)
    expect(peers.forgetSilent((id) => id === 'n7', 60_001)).to.have.length(1023)
    expect(peers.get('n7')?.id).to.equal('n7')
  })
})

describe('peer book', () => {
  const entry = { ringSeen: 'r', addresses: [{ id: 'n1', address: { host: 'h', port: 1 } }] }

  it('comes back from its bytes, and from no others', () => {
    const bytes = encodePeerBook(entry)
    expect(decodePeerBook(bytes)).to.deep.equal(entry)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodePeerBook(bytes.subarray(0, length))).to.throw(RangeError)
    }
  })
})
