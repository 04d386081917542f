import { expect } from 'chai'
import { RingNode } from '../../server/node.ts'
import type { Storage } from '../../server/ports/storage.ts'
import type { NodeFactory } from './machine.ts'
import { simulate } from './run.ts'
import type { Swarm } from './swarm.ts'

const SEEDS = 10
/** Those that hold a ring to what it has acknowledged. */
const HOLDING = ['durability', 'honesty', 'causality']

/** Power goes, and slow disks have much to lose; nothing else is wrong. */
const POWER_CUTS: Partial<Swarm> = {
  faults: ['power', 'blackout'],
  faultEveryMs: 1_500,
  faultsForMs: 20_000,
  finale: true,
  commitMicros: 10_000,
  keys: 12,
  lostDisk: 'never',
  removal: 'never',
  policyEveryMs: 0,
}

/** Says that a commit is durable as soon as it is asked for, as a node with `--durability async` does. */
function hasty(storage: Storage): Storage {
  return {
    get: (key) => storage.get(key),
    iterate: (range) => storage.iterate(range),
    close: () => storage.close(),
    commit: (batch) => {
      storage.commit(batch).catch(() => undefined)
      return Promise.resolve()
    },
  }
}

describe('a ring that is set up to lose writes', function () {
  this.timeout(300_000)

  it('is caught at it, and the same ring is not when its disks have synced what it acknowledges', async () => {
    const makeNode: NodeFactory = (components, settings) => new RingNode(components, settings)
    const makeHasty: NodeFactory = (components, settings) =>
      new RingNode({ ...components, storage: hasty(components.storage) }, settings)
    let seed = 0
    let caught: readonly string[] = []
    while (caught.length === 0 && seed < SEEDS) {
      const { violations } = await simulate({ seed: ++seed, makeNode: makeHasty, swarm: POWER_CUTS })
      caught = violations.filter(({ checker }) => HOLDING.includes(checker)).map(({ message }) => message)
    }
    expect(caught, `in ${SEEDS} seeds`).to.not.deep.equal([])
    const { violations } = await simulate({ seed, makeNode, swarm: POWER_CUTS })
    expect(violations).to.deep.equal([])
  })
})
