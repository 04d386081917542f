import { expect } from 'chai'
import { FaultRules } from '../../../server/chaos/fault-rules.ts'
import { NO_EFFECT } from '../../../server/chaos/link-effect.ts'
import type { FaultRule } from '../../../shared/api.ts'
import { KvError } from '../../../shared/errors.ts'
import { ManualClock } from '../manual-clock.ts'

const MINUTE = 60_000

describe('FaultRules', () => {
  let clock: ManualClock
  let rules: FaultRules

  beforeEach(() => {
    clock = new ManualClock()
    rules = new FaultRules(clock)
  })

  const inAMinute = () => clock.wallMs() + MINUTE
  const partition = (id: string, groups: string[][], more: Partial<FaultRule> = {}): FaultRule => ({
    id,
    kind: 'partition',
    groups,
    untilMs: inAMinute(),
    ...more,
  })
  const link = (id: string, more: Partial<FaultRule> = {}): FaultRule => ({
    id,
    kind: 'link',
    from: 'n1',
    to: 'n2',
    latencyMs: 100,
    untilMs: inAMinute(),
    ...more,
  })
  /** Every pair of n1 to n4 between which nothing passes. */
  const cuts = () => {
    const nodes = ['n1', 'n2', 'n3', 'n4']
    const pairs = nodes.flatMap((from) => nodes.map((to) => [from, to] as const))
    return pairs.filter(([from, to]) => rules.effect(from, to).cut).map((pair) => pair.join('>'))
  }

  it('lets everything pass where there is no rule', () => {
    expect(rules.effect('n1', 'n2')).to.equal(NO_EFFECT)
    expect(rules.list()).to.deep.equal([])
    expect(rules.heal()).to.equal(0)
  })

  it('cuts one group off from every node outside it, both ways', () => {
    rules.add(partition('p', [['n1', 'n2']]))
    expect(cuts()).to.deep.equal(['n1>n3', 'n1>n4', 'n2>n3', 'n2>n4', 'n3>n1', 'n3>n2', 'n4>n1', 'n4>n2'])
  })

  it('cuts several groups off from each other, and nobody from a node in no group', () => {
    rules.add(partition('p', [['n1'], ['n2', 'n3']]))
    expect(cuts()).to.deep.equal(['n1>n2', 'n1>n3', 'n2>n1', 'n3>n1'])
  })

  it('loses only what the first group sends outwards, one-way', () => {
    rules.add(partition('p', [['n1']], { oneWay: true }))
    expect(cuts()).to.deep.equal(['n1>n2', 'n1>n3', 'n1>n4'])
    rules.heal()
    rules.add(partition('p', [['n1'], ['n2'], ['n3']], { oneWay: true }))
    expect(cuts()).to.deep.equal(['n1>n2', 'n1>n3'])
  })

  it('changes a link in its own direction only', () => {
    rules.add(link('l', { jitterMs: 5, loss: 0.1, duplicate: 0.2, reorder: 0.3 }))
    expect(rules.effect('n1', 'n2')).to.deep.equal({
      cut: false,
      latencyMs: 100,
      jitterMs: 5,
      loss: 0.1,
      duplicate: 0.2,
      reorder: 0.3,
    })
    expect(rules.effect('n2', 'n1')).to.equal(NO_EFFECT)
    expect(rules.effect('n1', 'n3')).to.equal(NO_EFFECT)
  })

  it('adds up the delays of several rules, and lets each chance strike by itself', () => {
    rules.add(link('l1', { loss: 0.5 }))
    rules.add(link('l2', { latencyMs: 20, loss: 0.5 }))
    rules.add(partition('p', [['n1']], { oneWay: true }))
    expect(rules.effect('n1', 'n2')).to.deep.include({ cut: true, latencyMs: 120, loss: 0.75 })
  })

  it('heals by itself when its time is over', () => {
    rules.add(partition('short', [['n1']], { untilMs: clock.wallMs() + 1000 }))
    rules.add(link('long'))
    expect(rules.effect('n1', 'n2').cut).to.equal(true)
    clock.advance(999)
    expect(rules.effect('n1', 'n2').cut).to.equal(true)
    clock.advance(1)
    expect(rules.effect('n1', 'n2')).to.deep.include({ cut: false, latencyMs: 100 })
    expect(rules.list().map(({ id }) => id)).to.deep.equal(['long'])
    clock.advance(MINUTE)
    expect(rules.heal()).to.equal(0)
    expect(rules.effect('n1', 'n2')).to.equal(NO_EFFECT)
  })

  it('heals one by its id, or all, and says how many', () => {
    for (const id of ['a', 'b', 'c']) rules.add(link(id))
    expect(rules.heal('nothing')).to.equal(0)
    expect(rules.heal('b')).to.equal(1)
    expect(rules.effect('n1', 'n2').latencyMs).to.equal(200)
    expect(rules.heal()).to.equal(2)
    expect(rules.effect('n1', 'n2')).to.equal(NO_EFFECT)
  })

  it('puts a rule in the place of the one with its id', () => {
    rules.add(link('l'))
    rules.add(link('l', { latencyMs: 7 }))
    expect(rules.list()).to.have.length(1)
    expect(rules.effect('n1', 'n2').latencyMs).to.equal(7)
  })

  it('is changed neither through the rule that was added nor through those it lists', () => {
    const rule = partition('p', [['n1']])
    rules.add(rule)
    rule.groups?.[0]?.push('n2')
    ;(rules.list()[0] as FaultRule).groups = [['n3']]
    expect(cuts()).to.deep.equal(['n1>n2', 'n1>n3', 'n1>n4', 'n2>n1', 'n3>n1', 'n4>n1'])
  })

  it('holds 256 rules', () => {
    for (let i = 0; i < 256; i++) rules.add(link(`l${i}`))
    expect(() => rules.add(link('more')))
      .to.throw(KvError, '256')
      .with.property('code', 'overloaded')
    rules.add(link('l0', { latencyMs: 1 }))
    rules.heal('l1')
    rules.add(link('more'))
    clock.advance(MINUTE)
    rules.add(link('after all have healed'))
    expect(rules.list()).to.have.length(1)
  })

  const malformed: [string, () => Partial<FaultRule>, RegExp][] = [
    ['no id', () => link(''), /id of the fault/],
    ['an unknown kind', () => link('l', { kind: 'disk' as 'link' }), /unknown kind of fault: disk/],
    ['no groups', () => partition('p', []), /at least one group/],
    ['groups that are none', () => partition('p', 'n1' as unknown as string[][]), /at least one group/],
    ['an empty group', () => partition('p', [['n1'], []]), /group of the partition is empty/],
    ['a node in two groups', () => partition('p', [['n1'], ['n2', 'n1']]), /n1 is named twice/],
    ['a node twice in a group', () => partition('p', [['n1', 'n1']]), /n1 is named twice/],
    ['a node without a name', () => partition('p', [['']]), /node of the partition/],
    ['oneWay that is no flag', () => partition('p', [['n1']], { oneWay: 'yes' as never }), /oneWay/],
    ['a link from nowhere', () => link('l', { from: '' }), /starts from/],
    ['a link to nowhere', () => link('l', { to: undefined as never }), /leads to/],
    ['a link to itself', () => link('l', { to: 'n1' }), /to itself/],
    ['a link that does nothing', () => link('l', { latencyMs: undefined as never }), /does nothing/],
    ['negative latency', () => link('l', { latencyMs: -1 }), /latency is out of range/],
    ['more than 10 minutes', () => link('l', { latencyMs: 600_001 }), /latency is out of range/],
    ['latency that is no number', () => link('l', { latencyMs: Number.NaN }), /latency is out of range/],
    ['a text as jitter', () => link('l', { jitterMs: '5' as never }), /jitter is out of range/],
    ['a loss over 1', () => link('l', { loss: 1.1 }), /loss is out of range/],
    ['a negative chance', () => link('l', { duplicate: -0.1 }), /duplicate is out of range/],
    ['an infinite chance', () => link('l', { reorder: Number.POSITIVE_INFINITY }), /reorder is out of range/],
    ['an end in the past', () => link('l', { untilMs: clock.wallMs() }), /in the past/],
    ['an end over a day away', () => link('l', { untilMs: clock.wallMs() + 86_400_001 }), /24 hours/],
    ['no end', () => link('l', { untilMs: undefined as never }), /untilMs/],
  ]
  for (const [what, make, why] of malformed) {
    it(`refuses ${what}, and changes nothing`, () => {
      rules.add(link('l', { latencyMs: 1 }))
      expect(() => rules.add(make() as FaultRule))
        .to.throw(KvError, why)
        .with.property('code', 'usage')
      expect(rules.list()).to.have.length(1)
      expect(rules.effect('n1', 'n2').latencyMs).to.equal(1)
    })
  }
})
