import { KvError } from './errors.ts'
import { nearest } from './nearest.ts'
import { checkSetting, type Setting, type SettingValue } from './setting.ts'

/** Settings as a config file gives them, by name. */
export type FileSettings = ReadonlyMap<string, SettingValue>

/** A leaf of the file: where it stands, and what it says. */
interface Entry {
  readonly path: string
  readonly value: unknown
  readonly line: number
}

/**
 * The settings in a config file, which is YAML, or JSON where `name` ends in `.json`.
 * @throws KvError `usage` with the file, line, key and what is allowed, for anything that is not a known setting.
 */
export async function parseConfigFile(
  name: string,
  text: string,
  settings: readonly Setting[],
): Promise<FileSettings> {
  const byPath = new Map(settings.map((setting) => [setting.path, setting]))
  const found = new Map<string, SettingValue>()
  if (name.endsWith('.json')) checkJson(name, text)
  for (const { path, value, line } of await entriesOf(name, text, new Set(groupsOf(byPath.keys())))) {
    const where = `${name}:${line}`
    const setting = byPath.get(path)
    if (setting === undefined) throw unknownKey(where, path, byPath.keys())
    found.set(setting.name, checkSetting(setting, value, where))
  }
  return found
}

/** The nested keys: `discovery` of `discovery.port`. */
function* groupsOf(paths: Iterable<string>): Iterable<string> {
  for (const path of paths) if (path.includes('.')) yield path.slice(0, path.indexOf('.'))
}

function unknownKey(where: string, path: string, known: Iterable<string>): KvError {
  if (path === 'secret') {
    return new KvError(
      'usage',
      `${where}: a secret does not belong into this file`,
      'set secretFile, or KV_CLUSTER_SECRET',
    )
  }
  const names = [...known]
  const guess = nearest(path, names)
  return new KvError(
    'usage',
    `${where}: there is no setting ${JSON.stringify(path)}`,
    guess === undefined ? `the settings are ${names.join(', ')}` : `did you mean ${guess}?`,
  )
}

function checkJson(name: string, text: string): void {
  try {
    JSON.parse(text)
  } catch (error) {
    const message = (error as SyntaxError).message
    const position = /position (\d+)/.exec(message)
    const line = text.slice(0, position === null ? text.length : Number(position[1])).split('\n').length
    throw new KvError('usage', `${name}:${line}: the file is not JSON: ${message}`, 'correct that line')
  }
}

async function entriesOf(name: string, text: string, groups: ReadonlySet<string>): Promise<Entry[]> {
  const { isMap, isNode, isScalar, LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true })
  const [error] = document.errors
  if (error) {
    const line = lines.linePos(error.pos[0]).line
    const reason = (error.message.split('\n')[0] as string).replace(/ at line \d+, column \d+:?$/, '')
    throw new KvError('usage', `${name}:${line}: the file is not YAML: ${reason}`, 'correct that line')
  }
  const entries: Entry[] = []
  const collect = (node: unknown, prefix: string): void => {
    if (!isMap(node)) {
      throw new KvError(
        'usage',
        `${name}: the file must hold keys and values`,
        'write for example: httpPort: 7071',
      )
    }
    for (const { key, value } of node.items) {
      const offset = isScalar(key) ? (key.range?.[0] ?? 0) : 0
      const path = prefix + String(isScalar(key) ? key.value : key)
      if (prefix === '' && groups.has(path) && isMap(value)) collect(value, `${path}.`)
      else
        entries.push({
          path,
          value: isNode(value) ? value.toJS(document, { maxAliasCount: 10 }) : value,
          line: lines.linePos(offset).line,
        })
    }
  }
  if (document.contents !== null) collect(document.contents, '')
  return entries
}
