import { parseArgs } from 'node:util'
import { SETTINGS } from './config.ts'
import { KvError } from './errors.ts'
import { nearest } from './nearest.ts'
import { flagOf } from './setting.ts'

/** What stands on the command line of a node. */
export interface NodeArguments {
  /** As ConfigSources has them. */
  readonly flags: ReadonlyMap<string, string>
  /** --config, or undefined. */
  readonly configFile: string | undefined
  /** --json: an error that keeps the node from starting is written as JSON. */
  readonly json: boolean
}

/** @throws KvError `usage` for a flag that is unknown or lacks its value, and for anything that is no flag. */
export function parseNodeArguments(argv: readonly string[]): NodeArguments {
  const switches = new Set(SETTINGS.filter(({ kind }) => kind.type === 'switch').map(flagOf))
  const names = new Set([...SETTINGS.map(flagOf), 'config', 'json'])
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    options: Object.fromEntries([...names].map((name) => [name, { type: typeOf(name, switches) }])),
  })
  const flags = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional')
      throw new KvError('usage', `${token.value} is not a flag`, 'see kv node start --help')
    const { name, rawName } = token
    const negated = name.startsWith('no-') && switches.has(name.slice(3))
    if (!negated && !names.has(name)) throw unknownFlag(rawName, names)
    if (negated || typeOf(name, switches) === 'boolean')
      flags.set(negated ? name.slice(3) : name, token.value ?? String(!negated))
    else if (token.value === undefined)
      throw new KvError('usage', `${rawName} lacks its value`, `write ${rawName} VALUE`)
    else flags.set(name, token.value)
  }
  const configFile = flags.get('config')
  const json = flags.get('json') === 'true'
  flags.delete('config')
  flags.delete('json')
  return { flags, configFile, json }
}

function typeOf(name: string, switches: ReadonlySet<string>): 'boolean' | 'string' {
  return name === 'json' || switches.has(name) ? 'boolean' : 'string'
}

function unknownFlag(rawName: string, names: ReadonlySet<string>): KvError {
  const guess = nearest(rawName.replace(/^-+/, ''), names)
  return new KvError(
    'usage',
    `there is no flag ${rawName}`,
    guess === undefined ? 'see kv node start --help' : `did you mean --${guess}?`,
  )
}
