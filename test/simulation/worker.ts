import { RingNode } from '../../server/node.ts'
import type { Violation } from './evidence.ts'
import { simulate } from './run.ts'
import { shareSlotTables } from './shared-slot-tables.ts'

/** What a worker answers for one seed. */
export interface SeedReport {
  readonly seed: number
  readonly hash: string
  readonly violations: readonly Violation[]
  readonly marks: readonly (readonly [mark: string, times: number])[]
  readonly events: number
  readonly virtualMs: number
}

shareSlotTables()

process.on('message', (seed: number) => {
  void simulate({ seed, makeNode: (components, settings) => new RingNode(components, settings) }).then(
    (result) => process.send?.({ ...result, marks: [...result.marks] } satisfies SeedReport),
    (thrown) => {
      console.error(`seed ${seed} ended the simulator itself:`, thrown)
      process.exit(1)
    },
  )
})
