import { BOUND_BUGS } from './bound-bugs.ts'
import { COLLECTION_BUGS } from './collection-bugs.ts'
import { HINT_BUGS } from './hint-bugs.ts'
import { LAYOUT_BUGS } from './layout-bugs.ts'
import type { PlantedBug } from './planted-bug.ts'
import { REMOVAL_BUGS } from './removal-bugs.ts'
import { REPAIR_BUGS } from './repair-bugs.ts'
import { VERSION_BUGS } from './version-bugs.ts'
import { WRITE_BUGS } from './write-bugs.ts'

/** Each of them has cost some store data, or its users the truth. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...WRITE_BUGS,
  ...VERSION_BUGS,
  ...HINT_BUGS,
  ...REPAIR_BUGS,
  ...COLLECTION_BUGS,
  ...REMOVAL_BUGS,
  ...LAYOUT_BUGS,
  ...BOUND_BUGS,
]
