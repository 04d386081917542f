import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseDuration } from '../shared/duration.ts'
import { KvError } from '../shared/errors.ts'
import { ContextStore, kvHome } from './context.ts'

/** One place where settings come from; what it leaves out is taken from the next. */
interface Layer {
  readonly from: string
  readonly endpoints?: readonly string[] | undefined
  readonly context?: string | undefined
  readonly timeout?: string | undefined
}

export interface Settings {
  readonly endpoints: readonly string[]
  /** Which setting named the endpoints, for `kv context show`. */
  readonly endpointsFrom: string
  /** The context in use, where the endpoints are those of one. */
  readonly context?: string
  readonly timeoutMs: number
}

export interface SettingFlags {
  readonly endpoint?: readonly string[] | undefined
  readonly context?: string | undefined
  readonly timeout?: string | undefined
}

const DEFAULT_ENDPOINT = 'http://127.0.0.1:7071'
const DEFAULT_TIMEOUT = '10s'

/**
 * The settings in force: flag, then KV_* environment, then the project's file (kvring.json or kvring.yaml in the
 * working directory or above), then the user's (config.json or config.yaml under KV_HOME, and the current
 * context), then the default. @throws KvError `usage` for a damaged file or a bad value, `not_found` for a context.
 */
export async function resolveSettings(
  flags: SettingFlags,
  env: NodeJS.ProcessEnv,
  directory: string,
): Promise<Settings> {
  const home = kvHome(env)
  const contexts = new ContextStore(home)
  const layers: Layer[] = [
    { from: 'the flag', endpoints: flags.endpoint, context: flags.context, timeout: flags.timeout },
    {
      from: 'the environment',
      endpoints: split(env.KV_ENDPOINT),
      context: env.KV_CONTEXT || undefined,
      timeout: env.KV_TIMEOUT || undefined,
    },
    ...(await fileLayer(findUpwards(directory, 'kvring'))),
    ...(await fileLayer(findIn(home, 'config'))),
  ]
  const timeout = layers.find((layer) => layer.timeout !== undefined)?.timeout ?? DEFAULT_TIMEOUT
  return { ...resolveEndpoints(layers, contexts), timeoutMs: parseDuration(timeout, 'the timeout') }
}

function resolveEndpoints(layers: readonly Layer[], contexts: ContextStore): Omit<Settings, 'timeoutMs'> {
  for (const { from, endpoints, context } of layers) {
    if (endpoints && endpoints.length > 0)
      return { endpoints: endpoints.map(checkEndpoint), endpointsFrom: from }
    if (context !== undefined) {
      return { endpoints: contexts.get(context).endpoints, endpointsFrom: from, context }
    }
  }
  const current = contexts.current()
  if (current !== undefined) {
    return {
      endpoints: contexts.get(current).endpoints,
      endpointsFrom: 'the current context',
      context: current,
    }
  }
  return { endpoints: [DEFAULT_ENDPOINT], endpointsFrom: 'the default' }
}

function checkEndpoint(endpoint: string): string {
  const text = /^[a-z]+:\/\//i.test(endpoint) ? endpoint : `http://${endpoint}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw new KvError('usage', 'an endpoint is not a URL', 'write it as http://127.0.0.1:7071')
  }
  if (url.username !== '' || url.password !== '') {
    throw new KvError(
      'usage',
      'an endpoint has a user name or password in it',
      'secrets do not belong into URLs',
    )
  }
  return text
}

function split(text: string | undefined): string[] | undefined {
  const parts = text
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  return parts && parts.length > 0 ? parts : undefined
}

const EXTENSIONS = ['json', 'yaml', 'yml']

function findIn(directory: string, name: string): string | undefined {
  return EXTENSIONS.map((extension) => path.join(directory, `${name}.${extension}`)).find((file) =>
    existsSync(file),
  )
}

function findUpwards(directory: string, name: string): string | undefined {
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    const file = findIn(at, name)
    if (file !== undefined || at === path.dirname(at)) return file
  }
}

async function fileLayer(file: string | undefined): Promise<Layer[]> {
  if (file === undefined) return []
  const content = await parseFile(file)
  const { endpoint, endpoints = endpoint, context, timeout } = content
  const list = typeof endpoints === 'string' ? [endpoints] : endpoints
  const bad = (name: string): KvError =>
    new KvError(
      'usage',
      `${file}: "${name}" is not as it should be`,
      'endpoints: [URL, ...], context: NAME, timeout: 10s',
    )
  if (list !== undefined && !(Array.isArray(list) && list.every((one) => typeof one === 'string')))
    throw bad('endpoints')
  if (context !== undefined && typeof context !== 'string') throw bad('context')
  if (timeout !== undefined && typeof timeout !== 'string') throw bad('timeout')
  return [{ from: file, endpoints: list as string[] | undefined, context, timeout }]
}

async function parseFile(file: string): Promise<Record<string, unknown>> {
  const text = readFileSync(file, 'utf8')
  try {
    const content: unknown = file.endsWith('.json') ? JSON.parse(text) : (await import('yaml')).parse(text)
    if (typeof content === 'object' && content !== null && !Array.isArray(content))
      return content as Record<string, unknown>
  } catch {
    throw new KvError('usage', `${file} cannot be parsed`, 'repair it, or delete it')
  }
  throw new KvError(
    'usage',
    `${file} does not hold settings`,
    'endpoints: [URL, ...], context: NAME, timeout: 10s',
  )
}
