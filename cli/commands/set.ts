import { readFile } from 'node:fs/promises'
import { Flags } from '@oclif/core'
import type { WriteResult } from '../../shared/api.ts'
import { parseDuration } from '../../shared/duration.ts'
import { KvError } from '../../shared/errors.ts'
import {
  argument,
  countFlag,
  KvCommand,
  keyEncodingFlag,
  optionalArgument,
  typedKey,
} from '../base-command.ts'
import { readStdin } from '../input.ts'
import { formatNodes } from '../render/quantity.ts'

export default class SetValue extends KvCommand {
  static override summary = 'Write the value of a key.'
  static override description =
    'The value is VALUE as UTF-8 text, or the bytes of a file, or with - the bytes of standard input.'
  static override examples = [
    { description: 'Write a value:', command: '<%= config.bin %> set greeting hello' },
    {
      description: 'Wait for all three owners, and for no substitutes:',
      command: '<%= config.bin %> set greeting hello --w 3 --strict',
    },
    {
      description: 'A value that goes away after an hour and a half:',
      command: '<%= config.bin %> set session:7 open --ttl 1h30m',
    },
    { description: 'Bytes from another program:', command: 'date | <%= config.bin %> set now -' },
  ]
  static override args = {
    key: argument('The key to write.'),
    value: optionalArgument('The value; - reads it from standard input.'),
  }
  static override flags = {
    file: Flags.string({ summary: 'Take the bytes of this file as the value.', helpValue: 'FILE' }),
    w: countFlag('Replicas that must hold the write durably.'),
    ttl: Flags.string({
      summary: 'The value goes away after this time, such as 10m or 1h30m.',
      helpValue: 'TIME',
    }),
    'context-token': Flags.string({
      summary: 'The "context" of a get: replaces the versions that it returned.',
      helpValue: 'T',
    }),
    strict: Flags.boolean({
      summary: 'Refuse rather than let a substitute stand in for an unreachable owner.',
    }),
    ...keyEncodingFlag,
  }

  async run(): Promise<WriteResult> {
    const { args, flags } = await this.parse(SetValue)
    const key = typedKey(args.key, flags['key-encoding'])
    const ttlMs = flags.ttl === undefined ? undefined : parseDuration(flags.ttl, '--ttl')
    const value = await readValue(args.value, flags.file)
    const client = await this.connect(flags)
    const result = await client.set(key, value, {
      w: flags.w,
      ttlMs,
      context: flags['context-token'],
      strict: flags.strict || undefined,
    })
    const substitute = result.sloppy ? ' (a substitute among them)' : ''
    this.note(`ok, version ${result.version} on ${formatNodes(result.acks)}${substitute}`)
    return result
  }
}

async function readValue(text: string | undefined, file: string | undefined): Promise<Buffer> {
  if (file !== undefined) {
    if (text !== undefined)
      throw new KvError('usage', 'a VALUE and --file were both given', 'give one of them')
    return readFile(file)
  }
  if (text === undefined)
    throw new KvError('usage', 'missing: VALUE', 'give it, or - for standard input, or --file FILE')
  return text === '-' ? readStdin() : Buffer.from(text, 'utf8')
}
