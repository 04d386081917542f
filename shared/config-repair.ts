import type { Setting } from './setting.ts'

/** How a node keeps its data whole in the background. */
export interface RepairConfig {
  readonly repairEveryMs: number
  readonly repairRecordsPerSecond: number
  readonly scrubEveryMs: number
  readonly tombstoneMinAgeMs: number
}

export const REPAIR_SETTINGS: readonly Setting<keyof RepairConfig>[] = [
  {
    name: 'repairEveryMs',
    path: 'repair.everyMs',
    kind: { type: 'integer', min: 0, max: 86_400_000 },
    default: 10_000,
    unit: 'ms',
    meaning:
      'Between two comparisons of the data with that of a peer; the peers take turns. 0 compares only when asked to.',
  },
  {
    name: 'repairRecordsPerSecond',
    path: 'repair.recordsPerSecond',
    kind: { type: 'integer', min: 1, max: 1_000_000 },
    default: 200,
    meaning:
      'How many records the node mends in a second at most, where its copies differ from those of a peer. What a node has missed its peers bring it at the same time: the more, the sooner it is whole, and the longer clients wait meanwhile.',
  },
  {
    name: 'scrubEveryMs',
    path: 'scrub.everyMs',
    kind: { type: 'integer', min: 0, max: 31_536_000_000 },
    default: 86_400_000,
    unit: 'ms',
    meaning: 'Between two checks of every record against its checksum; 0 checks only when asked to.',
  },
  {
    name: 'tombstoneMinAgeMs',
    path: 'tombstones.minAgeMs',
    kind: { type: 'integer', min: 0, max: 31_536_000_000 },
    default: 120_000,
    unit: 'ms',
    meaning:
      'No tombstone, nor expired value, is collected before it is this old. Longer than clients go on trying a request, and than clocks may differ. 0 keeps them for ever.',
  },
]
