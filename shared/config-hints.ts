import type { Setting } from './setting.ts'

/** What a node keeps for owners that are out of reach. */
export interface HintConfig {
  readonly maxHintBytes: number
  readonly maxHintAgeMs: number
}

const GIB = 1024 * 1024 * 1024

export const HINT_SETTINGS: readonly Setting<keyof HintConfig>[] = [
  {
    name: 'maxHintBytes',
    path: 'maxHintBytes',
    kind: { type: 'integer', min: 0, max: 1024 * GIB },
    default: GIB,
    unit: 'bytes',
    meaning:
      'Disk space for writes that are kept for owners that are out of reach; 0 keeps none. A node that is no owner of a key, and reaches none, takes writes of it only while there is room.',
  },
  {
    name: 'maxHintAgeMs',
    path: 'maxHintAgeMs',
    kind: { type: 'integer', min: 1_000, max: 365 * 86_400_000 },
    default: 86_400_000,
    unit: 'ms',
    meaning:
      'A write that was kept for an owner for longer is left to anti-entropy, once every other owner has it on disk.',
  },
]
