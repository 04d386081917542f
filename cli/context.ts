import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { KvError } from '../shared/errors.ts'
import { makeDurably, writeDurably } from './durable-file.ts'

/** A ring that the user has given a name. */
export interface Context {
  readonly endpoints: readonly string[]
  /** Where `kv up` keeps the ring that it started; absent for rings that others run. */
  readonly localRing?: string
}

interface ContextFile {
  current?: string
  contexts: Record<string, Context>
}

/** The directory of contexts and local rings: KV_HOME, or ~/.kvring. */
export function kvHome(env: NodeJS.ProcessEnv): string {
  return path.resolve(env.KV_HOME || path.join(homedir(), '.kvring'))
}

/** The named rings of a user, in `contexts.json` under KV_HOME. */
export class ContextStore {
  readonly file: string

  constructor(home: string) {
    this.file = path.join(home, 'contexts.json')
  }

  /** Name of the current context, where there is one. */
  current(): string | undefined {
    return this.read().current
  }

  all(): ReadonlyMap<string, Context> {
    return new Map(Object.entries(this.read().contexts))
  }

  /** @throws KvError `not_found` */
  get(name: string): Context {
    const context = this.all().get(name)
    if (!context) throw new KvError('not_found', `there is no context "${name}"`, 'see: kv context list')
    return context
  }

  /** Adds or replaces a context, and makes it the current one. */
  put(name: string, context: Context): void {
    const content = this.read()
    content.contexts[name] = context
    content.current = name
    this.write(content)
  }

  /** Leaves the current context what it is. */
  replace(name: string, context: Context): void {
    const content = this.read()
    content.contexts[name] = context
    this.write(content)
  }

  /** @throws KvError `not_found` */
  use(name: string): void {
    this.get(name)
    this.write({ ...this.read(), current: name })
  }

  remove(name: string): void {
    const content = this.read()
    delete content.contexts[name]
    if (content.current === name) delete content.current
    this.write(content)
  }

  private read(): ContextFile {
    let text: string
    try {
      text = readFileSync(this.file, 'utf8')
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return { contexts: {} }
      throw thrown
    }
    const content = parse(text)
    if (!isContextFile(content)) {
      throw new KvError('usage', `${this.file} is damaged`, 'repair it or delete it; kv up writes it anew')
    }
    return content
  }

  private write(content: ContextFile): void {
    makeDurably(path.dirname(this.file))
    writeDurably(this.file, `${JSON.stringify(content, null, 2)}\n`)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isContextFile(content: unknown): content is ContextFile {
  const file = content as ContextFile | null | undefined
  if (typeof file !== 'object' || file === null || typeof file.contexts !== 'object' || !file.contexts)
    return false
  return Object.values(file.contexts).every((context) => Array.isArray(context?.endpoints))
}
