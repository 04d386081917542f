import type { Checker } from '../evidence.ts'
import type { Story } from './story.ts'

/** What the checker says of the story, a line for each violation. */
export function complaints(check: Checker, story: Story): string {
  return check(story.evidence)
    .map((violation) => violation.message)
    .join('\n')
}
