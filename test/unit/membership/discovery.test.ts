import { expect } from 'chai'
import { type Beacon, BeaconCodec } from '../../../server/membership/beacon.ts'
import {
  Discovery,
  SEARCH_INTERVAL_MS,
  SETTLED_INTERVAL_MS,
  type SelfDescription,
} from '../../../server/membership/discovery.ts'
import type { Address, Network } from '../../../server/ports/network.ts'
import type { TraceFields, TraceLevel } from '../../../server/ports/trace.ts'
import { EventLoop } from '../../simulation/event-loop.ts'
import { Prng } from '../../simulation/prng.ts'
import { SeededRandom } from '../../simulation/seeded-random.ts'
import { EPOCH_MS, trueClock } from '../../simulation/virtual-clock.ts'

const SECRET = Buffer.from('the secret')
const FROM: Address = { host: '10.0.0.2', port: 9999 }

const description = (id: string, change: Partial<SelfDescription> = {}): SelfDescription => {
  const peer = { host: `host-of-${id}`, port: 7201 }
  const rest = { http: '', zone: '', weight: 1, layoutVersion: 0, ringId: '' }
  return { id, incarnation: `i-${id}`, peer, ...rest, ...change }
}

/** The discovery of n1, with all that it sends, believes and reports. */
class Subject {
  readonly loop = new EventLoop({ prng: new Prng(1) })
  readonly sent: Buffer[] = []
  readonly believed: string[] = []
  readonly reports: { level: TraceLevel; event: string; fields: TraceFields }[] = []
  self = description('n1')
  private deliver: (datagram: Buffer, from: Address) => void = () => undefined
  private readonly discovery: Discovery

  constructor(secret = SECRET) {
    const network: Partial<Network> = {
      broadcast: (datagram) => void this.sent.push(datagram),
      onDatagram: (handler) => {
        this.deliver = handler
      },
    }
    this.discovery = new Discovery(
      {
        clock: trueClock(this.loop),
        random: new SeededRandom({ prng: new Prng(2) }),
        network: network as Network,
        trace: {
          enabled: () => true,
          event: (level, event, fields = {}) => void this.reports.push({ level, event, fields }),
        },
        describe: () => this.self,
        onBeacon: ({ id }, { host, port }) => void this.believed.push(`${id} at ${host}:${port}`),
      },
      { cluster: 'local', secret, maxSkewMs: 60_000 },
    )
    this.discovery.start()
  }

  hear(datagram: Buffer): void {
    this.deliver(datagram, FROM)
  }

  pass(ms: number): Promise<void> {
    return this.loop.run(this.loop.now + ms * 1000)
  }

  stop(): void {
    this.discovery.stop()
  }
}

function sign(change: Partial<Beacon> = {}, secret = SECRET): Buffer {
  const beacon = { ...description('n2'), cluster: 'local', wallMs: EPOCH_MS, sequence: 0, ...change }
  return new BeaconCodec({ cluster: beacon.cluster, secret }).encode(beacon)
}

describe('discovery', () => {
  it('sends often while it searches, and rarely once there is a layout', async () => {
    const subject = new Subject()
    await subject.pass(10_000)
    expect(subject.sent.length).to.be.within(
      10_000 / (SEARCH_INTERVAL_MS + 100),
      10_000 / SEARCH_INTERVAL_MS + 1,
    )
    subject.self = description('n1', { layoutVersion: 1, ringId: 'r' })
    await subject.pass(1000)
    subject.sent.length = 0
    await subject.pass(60_000)
    expect(subject.sent.length).to.be.within(
      60_000 / (SETTLED_INTERVAL_MS + 100) - 1,
      60_000 / SETTLED_INTERVAL_MS,
    )
    subject.stop()
    subject.sent.length = 0
    await subject.pass(60_000)
    expect(subject.sent).to.deep.equal([])
  })

  it('believes a beacon once, where it says that it listens', () => {
    const subject = new Subject()
    subject.hear(sign())
    subject.hear(sign())
    subject.hear(sign({ sequence: 1, peer: { host: '0.0.0.0', port: 5 } }))
    subject.hear(sign({ sequence: 0 }))
    expect(subject.believed).to.deep.equal(['n2 at host-of-n2:7201', 'n2 at 10.0.0.2:5'])
    expect(subject.reports).to.deep.equal([])
  })

  it('does not believe what was recorded and is sent again later', async () => {
    const subject = new Subject()
    await subject.pass(60_001)
    subject.hear(sign())
    expect(subject.believed).to.deep.equal([])
    expect(subject.reports[0]).to.deep.include({ level: 'warn', event: 'beacon.skewed' })
  })

  it('reports forgeries once a minute with their number, and never answers them', async () => {
    const subject = new Subject()
    await subject.pass(10)
    const sent = subject.sent.length
    for (let count = 0; count < 500; count++) subject.hear(sign({ sequence: count }, Buffer.from('a guess')))
    expect(subject.believed).to.deep.equal([])
    expect(subject.sent).to.have.length(sent)
    expect(subject.reports).to.have.length(1)
    await subject.pass(60_000)
    subject.hear(sign({}, Buffer.from('a guess')))
    expect(subject.reports.map(({ fields }) => fields.count)).to.deep.equal([1, 500])
    expect(subject.reports[0]?.level).to.equal('warn')
  })

  it('is quiet about other clusters, noise and its own echo', () => {
    const subject = new Subject()
    subject.hear(sign({ cluster: 'other' }))
    subject.hear(sign({ cluster: 'other' }, Buffer.from('their own')))
    subject.hear(Buffer.alloc(0))
    subject.hear(Buffer.alloc(500, 7))
    subject.hear(subject.sent[0] as Buffer)
    expect(subject.believed).to.deep.equal([])
    expect(subject.reports).to.deep.equal([])
  })

  it('says loudly that another node has its id', () => {
    const subject = new Subject()
    subject.hear(sign({ ...description('n1'), incarnation: 'another' }))
    subject.hear(sign({ ...description('n1'), peer: { host: 'elsewhere', port: 1 } }))
    expect(subject.believed).to.deep.equal([])
    expect(subject.reports.map(({ level, event }) => `${level} ${event}`)).to.deep.equal([
      'error identity.duplicate',
      'error identity.duplicate',
    ])
  })

  it('a member shows itself at once to who searches, but not for every beacon of a flood', async () => {
    const subject = new Subject()
    subject.self = description('n1', { layoutVersion: 1, ringId: 'r' })
    await subject.pass(7000)
    subject.sent.length = 0
    await subject.pass(600)
    const before = subject.sent.length
    for (let count = 0; count < 100; count++) subject.hear(sign({ wallMs: EPOCH_MS + 7600, sequence: count }))
    expect(subject.sent.length - before).to.equal(1)
    const settled = new Subject()
    settled.hear(sign())
    expect(settled.sent).to.have.length(1)
  })

  it('without a secret sends nothing and believes nothing', async () => {
    const subject = new Subject(Buffer.alloc(0))
    subject.hear(sign({}, Buffer.alloc(0)))
    await subject.pass(10_000)
    expect(subject.sent).to.deep.equal([])
    expect(subject.believed).to.deep.equal([])
  })
})
