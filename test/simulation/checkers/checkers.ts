import type { Checker } from '../evidence.ts'
import { bounds } from './bounds.ts'
import { causality } from './causality.ts'
import { convergence } from './convergence.ts'
import { durability } from './durability.ts'
import { elements } from './elements.ts'
import { honesty } from './honesty.ts'
import { oneLayout } from './one-layout.ts'
import { uniqueness } from './uniqueness.ts'

/** All that a history is judged by. */
export const CHECKERS: readonly Checker[] = [
  durability,
  honesty,
  causality,
  convergence,
  uniqueness,
  oneLayout,
  elements,
  bounds,
]
