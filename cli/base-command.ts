import { Args, Command, Flags } from '@oclif/core'
import type { KvClient } from '../shared/client/client.ts'
import { KvError } from '../shared/errors.ts'
import { type Key, keyFromBytes, keyFromText } from '../shared/key.ts'
import { printFailure, toFailure } from './failure.ts'
import { resolveSettings, type SettingFlags, type Settings } from './settings.ts'

/** What every command of `kv` has: the global flags, the settings, and errors with their exit codes. */
export abstract class KvCommand extends Command {
  static override enableJsonFlag = true

  static override baseFlags = {
    endpoint: Flags.string({
      summary: 'Base URL of a node; give several for fail-over.',
      helpValue: 'URL',
      helpGroup: 'GLOBAL',
      multiple: true,
      multipleNonGreedy: true,
    }),
    context: Flags.string({
      summary: 'Ring to use, by its name (kv context list).',
      helpValue: 'NAME',
      helpGroup: 'GLOBAL',
    }),
    timeout: Flags.string({
      summary: 'Time for the whole command, such as 500ms or 10s.',
      helpValue: 'TIME',
      helpGroup: 'GLOBAL',
    }),
  }

  private client: KvClient | undefined

  protected settings(flags: SettingFlags): Promise<Settings> {
    return resolveSettings(flags, process.env, process.cwd())
  }

  /** A client of the ring that flags, environment and files name; it is closed when the command ends. */
  protected async connect(flags: SettingFlags): Promise<KvClient> {
    const settings = await this.settings(flags)
    const { connect } = await import('./connect.ts')
    this.client = connect(settings)
    return this.client
  }

  /** For people, on stderr; nothing with --json. */
  protected note(text: string): void {
    if (!this.jsonEnabled()) process.stderr.write(`${text}\n`)
  }

  /** One line of output on stdout, also with --json. */
  protected print(line: string): void {
    process.stdout.write(`${line}\n`)
  }

  override logJson(json: unknown): void {
    this.print(process.stdout.isTTY ? JSON.stringify(json, null, 2) : JSON.stringify(json))
  }

  override async catch(thrown: Error & { oclif?: { exit?: number } }): Promise<void> {
    const failure = toFailure(thrown)
    process.exitCode = failure ? printFailure(failure, this.jsonEnabled()) : (thrown.oclif?.exit ?? 0)
  }

  override async finally(): Promise<void> {
    this.client?.close()
  }
}

/** A positional argument. oclif would otherwise wait for stdin where a required one is missing. */
export const argument = (description: string) =>
  Args.string({ description, required: true, ignoreStdin: true })

export const optionalArgument = (description: string) => Args.string({ description, ignoreStdin: true })

export const keyEncodingFlag = {
  'key-encoding': Flags.option({
    options: ['utf8', 'base64', 'hex'] as const,
    summary: 'How KEY is written; base64 and hex allow every byte.',
    default: 'utf8' as const,
  })(),
}

/** The key that was typed. @throws KvError `usage`, `too_large` */
export function typedKey(text: string, encoding: 'utf8' | 'base64' | 'hex'): Key {
  if (encoding === 'utf8') return keyFromText(text)
  const bytes = Buffer.from(text, encoding)
  const again = bytes.toString(encoding)
  const canonical = encoding === 'hex' ? text.toLowerCase() : text
  if (again !== canonical) throw new KvError('usage', `the key is not ${encoding}`, 'see --key-encoding')
  return keyFromBytes(bytes)
}

/** A whole number of at least 1. */
export const countFlag = (summary: string, helpValue = 'N') => Flags.integer({ summary, helpValue, min: 1 })
