import { type NodeConfig, SECRET_VARIABLE, SETTINGS } from './config.ts'
import type { FileSettings } from './config-file.ts'
import { KvError } from './errors.ts'
import { flagOf, parseSetting, type Setting, type SettingValue, variableOf } from './setting.ts'

/** Where settings come from, strongest first. */
export interface ConfigSources {
  /** By flag name, without dashes; a switch is 'true'. */
  readonly flags: ReadonlyMap<string, string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly file: FileSettings
  readonly machine: Machine
}

/** What defaults are made from. */
export interface Machine {
  readonly hostName: string
  /** KV_HOME. */
  readonly home: string
  /** The first address of a network card, or loopback where there is none. */
  readonly address: string
}

export interface ResolvedConfig {
  readonly config: NodeConfig
  /** Where the cluster's secret is to be taken from. */
  readonly secret:
    | { readonly from: 'none' }
    | { readonly from: 'environment' }
    | { readonly from: 'file'; readonly path: string }
}

/** @throws KvError `usage` for a value that is not allowed, by itself or beside the others. */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
  const given = new Map<string, SettingValue>()
  for (const setting of SETTINGS) {
    const value = lookUp(setting, sources)
    if (value !== undefined) given.set(setting.name, value)
  }
  const secret = secretSource(given, sources)
  const config = withDefaults(given, sources.machine, secret.from !== 'none')
  checkTogether(config, secret.from !== 'none')
  return { config, secret }
}

function lookUp(setting: Setting, { flags, env, file }: ConfigSources): SettingValue | undefined {
  const flag = flagOf(setting)
  const flagText = flags.get(flag)
  if (flagText !== undefined) return parseSetting(setting, flagText, `--${flag}`)
  const variable = variableOf(setting)
  const text = env[variable]
  if (text !== undefined && text !== '') return parseSetting(setting, text, variable)
  return file.get(setting.name)
}

/** The flag --secret-file goes before KV_CLUSTER_SECRET, and that before all other ways to name a file. */
function secretSource(
  given: ReadonlyMap<string, SettingValue>,
  { flags, env }: ConfigSources,
): ResolvedConfig['secret'] {
  const path = (given.get('secretFile') as string | undefined) ?? ''
  const byFlag = flags.get('secret-file') !== undefined
  if ((env[SECRET_VARIABLE] ?? '') !== '' && !byFlag) return { from: 'environment' }
  return path === '' ? { from: 'none' } : { from: 'file', path }
}

function withDefaults(
  given: ReadonlyMap<string, SettingValue>,
  machine: Machine,
  secret: boolean,
): NodeConfig {
  const values = new Map<string, SettingValue>()
  for (const { name, default: fallback } of SETTINGS) {
    const value = given.get(name) ?? fallback
    if (value !== undefined) values.set(name, value)
  }
  const settle = (name: keyof NodeConfig, value: () => SettingValue): void => {
    if (!values.has(name)) values.set(name, value())
  }
  const number = (name: keyof NodeConfig): number => values.get(name) as number
  const host = values.get('host') as string
  settle(
    'id',
    () =>
      machine.hostName
        .replace(/[^A-Za-z0-9._-]/g, '-')
        .replace(/^[._-]+/, '')
        .slice(0, 63) || 'node',
  )
  settle('data', () => `${machine.home}/nodes/${values.get('id') as string}`)
  settle('advertiseHost', () => (isWildcard(host) ? machine.address : host))
  settle('discoveryBroadcast', () => (isLoopback(host) ? '127.255.255.255' : '255.255.255.255'))
  settle('bootstrapExpect', () => (secret ? 0 : 1))
  settle('n', () => (number('bootstrapExpect') === 0 ? 3 : Math.min(3, number('bootstrapExpect'))))
  settle('r', () => Math.floor(number('n') / 2) + 1)
  settle('w', () => Math.floor(number('n') / 2) + 1)
  return Object.fromEntries(values) as unknown as NodeConfig
}

function checkTogether(config: NodeConfig, secret: boolean): void {
  const { host, n, bootstrapExpect, discoverySeeds } = config
  const needsSecret = `put a secret of at least 8 bytes into ${SECRET_VARIABLE}, or its path into --secret-file`
  if (!secret && !isLoopback(host)) {
    throw new KvError('usage', `host ${host} is not loopback, and there is no cluster secret`, needsSecret)
  }
  if (!secret && (bootstrapExpect > 1 || discoverySeeds.length > 0)) {
    throw new KvError('usage', 'without a cluster secret a node runs alone: no peer can join it', needsSecret)
  }
  for (const name of ['r', 'w'] as const) {
    if (config[name] > n) {
      throw new KvError(
        'usage',
        `${name} is ${config[name]}, but only ${n} nodes own a key (n)`,
        `lower ${name}, or raise n`,
      )
    }
  }
  if (bootstrapExpect > 0 && n > bootstrapExpect) {
    throw new KvError(
      'usage',
      `a ring founded by ${bootstrapExpect} nodes (bootstrapExpect) cannot keep ${n} copies (n)`,
      'lower n, or raise bootstrapExpect',
    )
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
