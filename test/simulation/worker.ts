import { RingNode } from '../../server/node.ts'
import { type SimulationResult, simulate } from './run.ts'
import { shareSlotTables } from './shared-slot-tables.ts'
import type { Swarm } from './swarm.ts'

/** What a worker answers for one seed. */
export interface SeedReport extends Omit<SimulationResult, 'marks'> {
  readonly marks: readonly (readonly [mark: string, times: number])[]
}

shareSlotTables()

process.on('message', ({ seed, swarm }: { seed: number; swarm: Partial<Swarm> }) => {
  const makeNode = (...given: ConstructorParameters<typeof RingNode>) => new RingNode(...given)
  void simulate({ seed, makeNode, swarm }).then(
    (result) => process.send?.({ ...result, marks: [...result.marks] } satisfies SeedReport),
    (thrown) => {
      console.error(`seed ${seed} ended the simulator itself:`, thrown)
      process.exit(1)
    },
  )
})
