import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { PLANTED_BUGS } from './bugs/catalogue.ts'
import { everySeed, hunt } from './bugs/hunt.ts'
import { plant } from './bugs/plant.ts'
import type { PlantedBug } from './bugs/planted-bug.ts'
import { Prng } from './prng.ts'
import { SeedRunner } from './seed-runner.ts'
import { parseSwarm, replayCommand, shrink, type Trial } from './shrink.ts'
import { drawSwarm, type FaultKind, type Swarm } from './swarm.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DUE: readonly FaultKind[] = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 'kill' : 'loss'))
const swarm = drawSwarm(new Prng(1, 'swarm'))

/** A seed that fails where `fails` says so. */
function seedThat(fails: (swarm: Swarm) => boolean): { trial: Trial; tried: Partial<Swarm>[] } {
  const tried: Partial<Swarm>[] = []
  const trial: Trial = async (change) => {
    tried.push(change)
    const all = { ...swarm, ...change }
    const violations = fails(all) ? [{ checker: 'durability', key: 'k', message: 'lost' }] : []
    return {
      seed: 1,
      swarm: all,
      hash: '',
      violations,
      marks: [],
      events: 0,
      virtualMs: 0,
      due: dueIn(all),
    }
  }
  return { trial, tried }
}

const dueIn = ({ faultsForMs }: Swarm) => DUE.slice(0, faultsForMs / 1_500)
const struck = (all: Swarm, number: number) =>
  number < dueIn(all).length && (all.strikes?.includes(number) ?? true)

describe('shrinking a seed that fails', function () {
  this.timeout(300_000)

  it('leaves the faults and the time that it takes, and makes all else simple', async () => {
    const { trial } = seedThat((all) => struck(all, 5) && struck(all, 16) && all.faultsForMs >= 28_000)
    const shrunk = await shrink(trial, 1_000)
    expect(shrunk?.swarm).to.deep.include({ strikes: [5, 16], faultsForMs: 30_000 })
    expect({ ...swarm, ...shrunk?.swarm }).to.include({ clients: 1, keys: 1, finale: false, zones: 1 })
  })

  it('does the same again, within so many runs', async () => {
    const fails = (all: Swarm) => struck(all, 7) && struck(all, 8) && all.clients > 1
    const [first, again] = [seedThat(fails), seedThat(fails)]
    const [one, other] = [await shrink(first.trial, 12), await shrink(again.trial, 12)]
    expect(first.tried).to.have.length(12)
    expect(again.tried).to.deep.equal(first.tried)
    expect(other).to.deep.equal(one)
  })

  it('does not take one failure for another', async () => {
    const { trial } = seedThat((all) => struck(all, 3))
    const mixed: Trial = async (change) => {
      const report = await trial(change)
      const other = [{ checker: 'liveness', key: '', message: 'not whole' }]
      return report.violations.length > 0 ? report : { ...report, violations: other }
    }
    expect((await shrink(mixed, 1_000))?.swarm).to.deep.include({ strikes: [3] })
    expect(await shrink(seedThat(() => false).trial, 1_000)).to.equal(undefined)
  })

  it('gives a command that shows a planted bug again, with less of everything', async () => {
    const bug = PLANTED_BUGS.find(({ name }) => name === 'hints are kept in memory only') as PlantedBug
    const { seed = 0 } = await hunt(bug, [...bug.seeds, ...everySeed()], 1)
    const planted = await plant(ROOT, bug)
    const runners = [new SeedRunner(planted), new SeedRunner(planted)] as const
    try {
      const shrunk = await shrink((change) => runners[0].run(seed, change), 25)
      expect(shrunk, `seed ${seed} does not show the bug any more`).not.to.equal(undefined)
      const before = await runners[1].run(seed)
      const options = /--swarm '(.*)' --trace$/.exec(replayCommand(seed, shrunk?.swarm ?? {}))?.[1]
      const again = await runners[1].run(seed, parseSwarm(options ?? '{}', before.swarm))
      expect(again.hash).to.equal(shrunk?.report.hash)
      expect(again.violations[0]?.checker).to.equal(before.violations[0]?.checker)
      const left = shrunk?.swarm.strikes ?? again.due
      expect(left.length).to.be.lessThan(before.due.length / 2)
    } finally {
      for (const runner of runners) runner.close()
    }
  })

  it('takes no options that a swarm does not have', () => {
    expect(parseSwarm('{"keys":1,"strikes":[3]}', swarm)).to.deep.equal({ keys: 1, strikes: [3] })
    for (const text of ['', '[]', '1', 'null', '{"keys":"one"}', '{"kees":1}', '{"strikes":3}'])
      expect(() => parseSwarm(text, swarm), text).to.throw(RangeError)
  })
})
