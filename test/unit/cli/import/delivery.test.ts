import { expect } from 'chai'
import { Delivery, type Outcome } from '../../../../cli/import/delivery.ts'
import { Lanes } from '../../../../cli/import/lanes.ts'
import type { Job } from '../../../../cli/import/queue.ts'
import type { BatchOperation } from '../../../../shared/api.ts'
import type { BatchOutcome } from '../../../../shared/client/batch.ts'
import { LinkError } from '../../../../shared/client/exchange.ts'
import { keyFromText } from '../../../../shared/key.ts'

const job = (number: number): Job => ({
  number,
  line: number,
  text: '',
  entry: { key: keyFromText(`k${number}`), value: 'v', encoding: 'utf8' },
  requestId: `r${number}`,
  again: false,
  attempt: 0,
  unknown: false,
})

/** Two endpoints, `a` and `b`; those in `hanging` take batches and never answer, which takes their whole time. */
class Ring {
  nowMs = 0
  readonly hanging = new Set<string>()
  readonly asked: string[] = []
  readonly sent: string[] = []
  readonly lanes = new Lanes(['a', 'b'], undefined, () => this.nowMs)
  readonly delivery = new Delivery(
    {
      lanes: this.lanes,
      send: (endpoint, operations) => this.send(endpoint, operations),
      alive: async (endpoint) => {
        this.asked.push(endpoint)
        return !this.hanging.has(endpoint)
      },
      monotonicMs: () => this.nowMs,
      sleep: async (ms) => {
        this.nowMs += ms
      },
    },
    { patienceMs: 30_000 },
  )

  async deliver(jobs: readonly Job[], lane: number): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    await this.delivery.deliver(jobs, lane, (_job, outcome) => outcomes.push(outcome))
    return outcomes
  }

  private async *send(
    endpoint: string,
    operations: readonly BatchOperation[],
  ): AsyncIterable<readonly BatchOutcome[]> {
    this.sent.push(endpoint)
    if (this.hanging.has(endpoint)) {
      this.nowMs += 10_000
      throw new LinkError('no answer in time', true, true)
    }
    yield operations.map(() => ({ result: undefined, error: undefined }) as unknown as BatchOutcome)
  }
}

describe('the delivery of batches', () => {
  it('sends nothing to an endpoint that hangs, and knows what became of every record', async () => {
    const ring = new Ring()
    ring.hanging.add('a')
    const jobs = [job(1), job(2)]
    expect(await ring.deliver(jobs, 0)).to.deep.equal([{ kind: 'written' }, { kind: 'written' }])
    expect(ring.sent).to.deep.equal(['b'])
    expect(jobs.map(({ unknown, attempt }) => [unknown, attempt])).to.deep.equal([
      [false, 0],
      [false, 0],
    ])
    expect(ring.lanes.isUp(0)).to.equal(false)
  })

  it('says of records that nobody took that they are not written', async () => {
    const ring = new Ring()
    for (const endpoint of ['a', 'b']) ring.hanging.add(endpoint)
    const [outcome] = await ring.deliver([job(1)], 0)
    expect(outcome).to.deep.include({ kind: 'unsent' })
    expect(outcome).to.have.nested.property('error.code', 'unreachable')
    expect(ring.sent).to.deep.equal([])
  })

  it('asks one that has answered a moment ago no such question, but one that has broken off', async () => {
    const ring = new Ring()
    for (let number = 1; number <= 3; number++) await ring.deliver([job(number)], 0)
    expect([ring.asked, ring.sent]).to.deep.equal([['a'], ['a', 'a', 'a']])
    ring.nowMs += 1_001
    await ring.deliver([job(4)], 0)
    expect(ring.asked).to.deep.equal(['a', 'a'])
    ring.hanging.add('a')
    const cutOff = job(5)
    expect(await ring.deliver([cutOff], 0)).to.deep.equal([{ kind: 'written' }])
    expect([cutOff.unknown, cutOff.attempt], 'it may have been taken').to.deep.equal([true, 1])
    expect(ring.sent.slice(-2)).to.deep.equal(['a', 'b'])
    await ring.deliver([job(6)], 0)
    expect(ring.sent.slice(-1)).to.deep.equal(['b'])
    expect(ring.asked.slice(-2)).to.deep.equal(['b', 'a'])
  })
})
