import { readFile } from 'node:fs/promises'
import { Flags } from '@oclif/core'
import type { ReadResult, SiblingResult, WriteResult } from '../../../shared/api.ts'
import { decodeBytes } from '../../../shared/encoding.ts'
import { KvError } from '../../../shared/errors.ts'
import { argument, countFlag, KvCommand, keyEncodingFlag, typedKey } from '../../base-command.ts'
import { formatNodes } from '../../render/quantity.ts'

interface ResolveResult extends Pick<ReadResult, 'key' | 'keyEncoding' | 'version'> {
  /** False where one value was there, and it was the one to keep: nothing was written. */
  resolved: boolean
  /** The versions that were read, and that the write replaces. */
  replaced: string[]
  acks?: number
  sloppy?: boolean
  coordinator?: string
}

/** What is to stand in the place of the siblings. */
interface Choice {
  readonly value?: string | undefined
  readonly file?: string | undefined
  readonly pick?: string | undefined
  readonly newest: boolean
  readonly delete: boolean
}

export default class SiblingsResolve extends KvCommand {
  static override summary = 'Make one value of the concurrent values of a key.'
  static override description =
    'Reads all values, and writes one in their place: a new one, one of them, the newest of them, or none. The write replaces exactly what was read. Whatever another writer adds in the meantime is not lost: it stays beside the new value as a sibling, to be seen with kv siblings show.'
  static override examples = [
    {
      description: 'A value that a person has merged:',
      command: "<%= config.bin %> siblings resolve greeting --value 'hello, everyone'",
    },
    { description: 'Keep the newest:', command: '<%= config.bin %> siblings resolve greeting --newest' },
    { description: 'Delete all of them:', command: '<%= config.bin %> siblings resolve greeting --delete' },
  ]
  static override args = { key: argument('The key to resolve.') }
  static override flags = {
    value: Flags.string({ summary: 'Write this text.', helpValue: 'VALUE' }),
    file: Flags.string({ summary: 'Write the bytes of this file.', helpValue: 'FILE' }),
    pick: Flags.string({
      summary: 'Keep the value of this version (kv siblings show).',
      helpValue: 'VERSION',
    }),
    newest: Flags.boolean({ summary: 'Keep the value that was written last.' }),
    delete: Flags.boolean({ summary: 'Keep none of them.' }),
    w: countFlag('Replicas that must hold the write durably.'),
    ...keyEncodingFlag,
  }

  async run(): Promise<ResolveResult> {
    const { args, flags } = await this.parse(SiblingsResolve)
    const key = typedKey(args.key, flags['key-encoding'])
    checkChoice(flags)
    const given = flags.file === undefined ? flags.value : await readFile(flags.file)
    const client = await this.connect(flags)
    const read = await client.get(key, { siblings: true })
    const { context, siblings = [] } = read
    const replaced = siblings.map(({ version }) => version)
    if (flags.delete) return this.done(read, replaced, await client.del(key, { w: flags.w, context }))
    if (given !== undefined) {
      const value = Buffer.from(given as string)
      return this.done(read, replaced, await client.set(key, value, { w: flags.w, context }))
    }
    const kept = chosen(siblings, flags.pick)
    if (siblings.length === 1) {
      this.note(`there is one value, version ${kept.version}: nothing to resolve`)
      return { ...nameOf(read), version: kept.version, resolved: false, replaced: [] }
    }
    const value = decodeBytes(kept.value, kept.encoding)
    const options = { w: flags.w, ttlMs: kept.ttlMs, context }
    return this.done(read, replaced, await client.set(key, value, options))
  }

  private done(read: ReadResult, replaced: string[], written: WriteResult): ResolveResult {
    const { version, acks, sloppy, coordinator } = written
    const values = replaced.length === 1 ? 'the one value' : `${replaced.length} values`
    this.note(`ok, version ${version} replaces ${values}, on ${formatNodes(acks)}`)
    return { ...nameOf(read), version, resolved: true, replaced, acks, sloppy, coordinator }
  }
}

function nameOf({ key, keyEncoding }: ReadResult): Pick<ReadResult, 'key' | 'keyEncoding'> {
  return keyEncoding === undefined ? { key } : { key, keyEncoding }
}

function checkChoice(choice: Choice): void {
  const ways = [
    choice.value !== undefined,
    choice.file !== undefined,
    choice.pick !== undefined,
    choice.newest,
    choice.delete,
  ]
  const count = ways.filter(Boolean).length
  if (count === 1) return
  throw new KvError(
    'usage',
    count === 0 ? 'it is not said what to keep' : 'several ways to resolve were given',
    'give one of --value, --file, --pick, --newest, --delete',
  )
}

/** @throws KvError `not_found` where no sibling has the version. */
function chosen(siblings: readonly SiblingResult[], pick: string | undefined): SiblingResult {
  const kept = pick === undefined ? siblings[0] : siblings.find(({ version }) => version === pick)
  if (kept !== undefined) return kept
  throw new KvError(
    'not_found',
    `no value of the key has the version ${JSON.stringify(pick)}`,
    `there are: ${siblings.map(({ version }) => version).join(', ')}`,
  )
}
