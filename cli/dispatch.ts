import type { Config } from '@oclif/core'
import { KvError } from '../shared/errors.ts'
import { nearest } from '../shared/nearest.ts'

/** What a command line asks for. */
export type CommandRequest =
  | { readonly kind: 'run'; readonly id: string; readonly argv: string[] }
  | { readonly kind: 'help'; readonly words: string[] }

type Catalog = Pick<Config, 'commandIDs' | 'topics'>

/** @throws KvError `usage`, with the nearest command as its hint, where there is no such command. */
export function resolveCommand(argv: readonly string[], catalog: Catalog): CommandRequest {
  const end = argv.findIndex((word) => word.startsWith('-'))
  const words = end < 0 ? [...argv] : argv.slice(0, end)
  const flags = new Set(beforeDashes(argv))
  if (words.length === 0) {
    if (flags.has('--version') || flags.has('-v')) return { kind: 'run', id: 'version', argv: [] }
    const first = argv[0]
    if (first === undefined || flags.has('--help') || flags.has('-h')) return { kind: 'help', words: [] }
    throw new KvError(
      'usage',
      `the flag ${first.split('=')[0]} stands before the command`,
      'kv COMMAND [FLAGS], see: kv --help',
    )
  }
  const known = new Set(catalog.commandIDs)
  for (let count = words.length; count > 0; count--) {
    const id = words.slice(0, count).join(':')
    if (!known.has(id)) continue
    if (flags.has('--help') || flags.has('-h')) return { kind: 'help', words: words.slice(0, count) }
    return { kind: 'run', id, argv: argv.slice(count) }
  }
  if (catalog.topics.some((topic) => topic.name === words.join(':'))) return { kind: 'help', words }
  throw unknownCommand(words, catalog)
}

export function unknownCommand(words: readonly string[], catalog: Catalog): KvError {
  const topic = catalog.topics.find((one) => one.name === words[0])
  // Within a topic only the word after it can be wrong; elsewhere the first word is the command.
  const typed = words.slice(0, topic ? 2 : 1).join(' ')
  const ids = catalog.commandIDs.map((id) => id.replaceAll(':', ' '))
  const guess = nearest(
    typed,
    topic
      ? ids.filter((id) => id.startsWith(`${topic.name} `))
      : [...ids, ...catalog.topics.map((one) => one.name)],
  )
  const hint = guess ? `did you mean: kv ${guess}` : `see: kv ${topic ? `${topic.name} ` : ''}--help`
  return new KvError('usage', `there is no command "${typed}"`, hint)
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const dashes = argv.indexOf('--')
  return dashes < 0 ? argv : argv.slice(0, dashes)
}
