import type { PlantedBug } from './planted-bug.ts'

/** What goes wrong with dots, contexts, stamps and clocks. */
export const VERSION_BUGS: readonly PlantedBug[] = [
  {
    name: 'version vectors without dots: a counter stands for the values of all earlier ones',
    edits: [
      {
        file: 'server/causality/write.ts',
        find: `  let past = context === undefined ? record.past : joinVectors(record.past, context.vector)
`,
        replace: `  let past = context === undefined ? record.past : joinVectors(record.past, context.vector)
  for (const sibling of record.siblings) if (sibling.dot.actor === dot.actor) past = foldDot(past, sibling.dot)
`,
      },
    ],
    caughtBy: ['durability', 'honesty'],
    seeds: [1],
  },
  {
    name: 'dots begin again on a wiped disk',
    edits: [
      {
        file: 'server/replica/minter.ts',
        find: `\${this.settings.id}.\${this.life}`,
        replace: `\${this.settings.id}.x`,
      },
    ],
    caughtBy: ['uniqueness'],
    seeds: [3],
  },
  {
    name: 'runs of a process share their dots, which are not reserved ahead of their use',
    edits: [
      {
        file: 'server/replica/minter.ts',
        find: 'value: reservation({ counter, wallMs }) }])\n    this.ceiling',
        replace: 'value: reservation({ counter: this.next, wallMs }) }])\n    this.ceiling',
      },
      {
        file: 'server/replica/minter.ts',
        find: 'reservation({ counter, wallMs: ahead })',
        replace: 'reservation({ counter: this.next, wallMs: ahead })',
      },
      {
        file: 'server/replica/minter.ts',
        find: `\${this.settings.id}.\${this.life}`,
        replace: `\${this.settings.id}.x`,
      },
    ],
    caughtBy: ['uniqueness'],
    seeds: [3],
  },
  {
    name: 'a context does not tell whose values it saw',
    edits: [
      {
        file: 'server/causality/context.ts',
        find: 'if (mayComeAgain) seen',
        replace: 'if (!mayComeAgain) seen',
      },
    ],
    caughtBy: ['causality'],
    seeds: [62],
  },
  {
    name: 'a wall clock is trusted whatever the peers say',
    edits: [
      {
        file: 'server/membership/clock-skew.ts',
        find: 'return this.validated && this.agreed && this.jump(wallMs, monotonicMs) === 0',
        replace: 'return wallMs + monotonicMs > 0',
      },
    ],
    caughtBy: ['liveness', 'durability', 'honesty', 'causality'],
    seeds: [4],
  },
  {
    name: 'a context is taken and not heeded',
    edits: [
      {
        file: 'server/causality/write.ts',
        find: 'let past = context === undefined ? record.past : joinVectors(record.past, context.vector)',
        replace: 'let past = context === undefined ? record.past : joinVectors(record.past, record.past)',
      },
    ],
    caughtBy: ['causality'],
    seeds: [1],
  },
  {
    name: 'what a delete outranks comes back',
    edits: [
      {
        file: 'server/causality/write.ts',
        find: '    const top = winner(record)\n    return top',
        replace: `    const top = winner({ ...record, siblings: record.siblings.filter((one) => isLive(one, wallMs)) })
    return top`,
      },
    ],
    caughtBy: ['causality', 'honesty'],
    seeds: [15],
  },
]
