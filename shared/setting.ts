import { KvError } from './errors.ts'

/** What a setting may be. Text from flags and environment is parsed; values from a file have types already. */
export type SettingKind =
  | { readonly type: 'text'; readonly pattern: RegExp; readonly allowed: string }
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  | { readonly type: 'choice'; readonly choices: readonly string[] }
  | { readonly type: 'list'; readonly pattern: RegExp; readonly allowed: string }
  | { readonly type: 'switch' }

export type SettingValue = string | number | boolean | readonly string[]

/** One setting of a node: a flag, an environment variable and a key of the config file under one meaning. */
export interface Setting<Name extends string = string> {
  readonly name: Name
  /** In the config file; a dot is a nested key. */
  readonly path: string
  readonly kind: SettingKind
  /** undefined where the default is worked out; `defaultFormula` says how. */
  readonly default: SettingValue | undefined
  readonly defaultFormula?: string
  readonly meaning: string
  readonly unit?: 'ms' | 'bytes'
}

/** `--http-port`, without the dashes. */
export function flagOf(setting: Setting): string {
  return setting.path.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll('.', '-')
}

/** `KV_HTTP_PORT`. */
export function variableOf(setting: Setting): string {
  return `KV_${flagOf(setting).replaceAll('-', '_').toUpperCase()}`
}

/** For people: `a whole number from 0 to 65535`. */
export function allowedOf(kind: SettingKind): string {
  switch (kind.type) {
    case 'text':
      return kind.allowed
    case 'integer':
      return `a whole number from ${kind.min} to ${kind.max}`
    case 'choice':
      return `one of ${kind.choices.join(', ')}`
    case 'list':
      return `a list of ${kind.allowed}`
    case 'switch':
      return 'true or false'
  }
}

/** @throws KvError `usage`; `where` names the flag, or the variable. */
export function parseSetting(setting: Setting, text: string, where: string): SettingValue {
  return checkSetting(setting, interpret(setting.kind, text), where)
}

function interpret(kind: SettingKind, text: string): unknown {
  switch (kind.type) {
    case 'integer':
      return /^-?\d{1,16}$/.test(text) ? Number(text) : text
    case 'switch':
      if (text === 'true' || text === '1') return true
      return text === 'false' || text === '0' ? false : text
    case 'list':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
    default:
      return text
  }
}

/** @throws KvError `usage`; `where` names the place the value came from. */
export function checkSetting(setting: Setting, value: unknown, where: string): SettingValue {
  const { kind } = setting
  if (fits(kind, value)) return value
  const quoted = typeof value === 'number' && (kind.type === 'text' || kind.type === 'choice')
  throw new KvError(
    'usage',
    `${where}: ${setting.path} must be ${allowedOf(kind)}, not ${shorten(JSON.stringify(value))}`,
    quoted ? 'put it in quotes' : setting.meaning,
  )
}

function fits(kind: SettingKind, value: unknown): value is SettingValue {
  switch (kind.type) {
    case 'text':
      return typeof value === 'string' && kind.pattern.test(value)
    case 'integer':
      return Number.isSafeInteger(value) && (value as number) >= kind.min && (value as number) <= kind.max
    case 'choice':
      return typeof value === 'string' && kind.choices.includes(value)
    case 'list':
      return (
        Array.isArray(value) && value.every((part) => typeof part === 'string' && kind.pattern.test(part))
      )
    case 'switch':
      return typeof value === 'boolean'
  }
}

function shorten(text: string | undefined): string {
  if (text === undefined) return 'nothing'
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
