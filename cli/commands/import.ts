import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Flags } from '@oclif/core'
import { KvError } from '../../shared/errors.ts'
import { argument, KvCommand } from '../base-command.ts'
import { printFailure } from '../failure.ts'
import { BadRecords } from '../import/bad-records.ts'
import { openCheckpoint, saveCheckpoint } from '../import/checkpoint.ts'
import { CheckpointKeeper } from '../import/checkpoint-keeper.ts'
import { Delivery } from '../import/delivery.ts'
import { FORMATS, guessFormat, makeParser } from '../import/format.ts'
import { Import, type Tally } from '../import/import.ts'
import { Lanes } from '../import/lanes.ts'
import { parseErrorLimit, parseRate, RateLimit } from '../import/limits.ts'
import { makeMapping, neededFields } from '../import/mapping.ts'
import { showProgress } from '../import/progress.ts'
import { openSource } from '../import/source.ts'
import { onInterrupt } from '../interrupt.ts'
import { grouped } from '../render/import-progress.ts'

interface ImportResult extends Tally {
  seconds: number
  /** Records read a second. */
  rate: number
  dryRun?: true
  error?: ReturnType<KvError['toBody']>['error']
}

const REJECTED_EXIT = 8
const INTERRUPTED_EXIT = 130
const CHECKPOINT_EVERY_MS = 1_000
/** A record may take this many times --timeout, attempts at other nodes included. */
const PATIENCE = 3

const monotonicMs = (): number => performance.now()

export default class ImportRecords extends KvCommand {
  static override summary = 'Write the records of a file, or of standard input.'
  static override description =
    `Reads and sends as it goes, so that the size of the source does not matter. Of several records with one key the last one wins.

The key of a record is made by --key from its fields, and its value is the field named by --value, or else the whole record as JSON. Without both, records are those of kv export. An element of JSON that is no object has the one field "value".

Records that cannot be written are counted as rejected, and with --bad kept, each with its line and the reason; then the exit code is 8. With --checkpoint an import that was interrupted or killed goes on with --resume, and no record is left out.`
  static override examples = [
    {
      description: 'Cities by country and name, each as JSON:',
      command: "<%= config.bin %> import cities.csv --key '{country}/{name}'",
    },
    {
      description: 'One column as the value, and the bad records kept:',
      command: "<%= config.bin %> import users.ndjson --key 'user:{id}' --value email --bad bad.ndjson",
    },
    {
      description: 'Go on after an interruption:',
      command: "<%= config.bin %> import big.csv --key '{id}' --checkpoint big.state --resume",
    },
    {
      description: 'Words without a header line, from standard input:',
      command:
        "<%= config.bin %> import - --format csv --columns word --key '{word}' --value word < words.txt",
    },
  ]
  static override args = { file: argument('The file to read; - is standard input.') }
  static override flags = {
    format: Flags.option({
      options: FORMATS,
      summary: 'Format of the source; told from the name of a file if left out.',
    })(),
    key: Flags.string({ summary: "Key of a record, such as '{country}/{name}'.", helpValue: 'TEMPLATE' }),
    value: Flags.string({
      summary: 'Field that is the value; the whole record if left out.',
      helpValue: 'FIELD',
    }),
    columns: Flags.string({
      summary: 'Names of the columns of csv or tsv without a header line.',
      helpValue: 'A,B,...',
    }),
    concurrency: Flags.integer({
      summary: 'Records on their way at a time.',
      helpValue: 'N',
      min: 1,
      max: 100_000,
      default: 4_000,
    }),
    rate: Flags.string({ summary: 'Records a second at most, such as 500/s.', helpValue: 'N/s' }),
    'max-errors': Flags.string({
      summary: 'Stop when more records fail than this, such as 100 or 2%.',
      helpValue: 'N|N%',
    }),
    bad: Flags.string({ summary: 'Keep the records that were not written in this file.', helpValue: 'FILE' }),
    checkpoint: Flags.string({ summary: 'Keep in this file which records are written.', helpValue: 'FILE' }),
    resume: Flags.boolean({
      summary: 'Leave out what the checkpoint says is written.',
      dependsOn: ['checkpoint'],
    }),
    'dry-run': Flags.boolean({ summary: 'Read and check every record, and send nothing.' }),
  }

  async run(): Promise<ImportResult> {
    const { args, flags } = await this.parse(ImportRecords)
    const format = flags.format ?? guessFormat(args.file)
    if (format === 'redis' && (flags.key ?? flags.value) !== undefined) {
      throw new KvError('usage', 'redis commands name their keys and values', 'leave out --key and --value')
    }
    const fields = { key: flags.key, value: flags.value }
    const columns = flags.columns?.split(',')
    const parser = makeParser(format, { columns, needed: neededFields(fields) })
    const rate = flags.rate === undefined ? undefined : new RateLimit(parseRate(flags.rate), monotonicMs)
    const errorLimit = flags['max-errors'] === undefined ? undefined : parseErrorLimit(flags['max-errors'])
    const dryRun = flags['dry-run']
    const mapping = makeMapping(fields)

    const source = await openSource(args.file)
    const mark = { source: source.mark, options: { format, ...fields, columns: flags.columns } }
    const keptIn = dryRun ? undefined : flags.checkpoint
    const importId = randomBytes(9).toString('base64url')
    const progress = openCheckpoint(keptIn, flags.resume, mark, importId)
    const settings = await this.settings(flags)
    const client = await this.connect(flags)
    const layout = dryRun ? undefined : await client.layout()
    const lanes = new Lanes(settings.endpoints, layout, monotonicMs)
    const bad = new BadRecords(flags.bad)
    const keeper = new CheckpointKeeper(
      { save: keptIn === undefined ? undefined : (content) => saveCheckpoint(keptIn, content), every },
      progress,
      mark,
    )
    const delivery = new Delivery(
      {
        lanes,
        send: (endpoint, operations) => client.batch(endpoint, operations, { brief: true }),
        alive: (endpoint) => client.alive(endpoint),
        monotonicMs,
        sleep,
      },
      { patienceMs: settings.timeoutMs * PATIENCE },
    )
    const work = new Import(
      { chunks: source.chunks, parser, mapping, lanes, delivery, keeper, bad, sleep },
      { concurrency: flags.concurrency, rate, errorLimit, dryRun },
    )
    const startedMs = monotonicMs()
    this.interruptible(work)
    const hide =
      this.jsonEnabled() && !process.stderr.isTTY
        ? undefined
        : await showProgress(() => ({
            read: work.tally.read,
            failed: work.tally.rejected + work.tally.unknown,
            bytesRead: work.bytesRead,
            bytesTotal: source.size,
            elapsedMs: monotonicMs() - startedMs,
          }))
    const ending = await work.run().finally(() => {
      hide?.()
      bad.close()
      keeper.stop()
    })
    const seconds = (monotonicMs() - startedMs) / 1000
    const result: ImportResult = {
      ...work.tally,
      seconds: round(seconds),
      rate: Math.round(work.tally.read / seconds),
    }
    if (dryRun) result.dryRun = true
    return this.conclude(result, ending, keptIn)
  }

  /** The first Ctrl-C lets what is on its way arrive; the second does not wait for that. */
  private interruptible(work: Import): void {
    onInterrupt(() => {
      this.note('finishing what is on its way; Ctrl-C again stops at once')
      work.interrupt()
      onInterrupt(() => process.exit(INTERRUPTED_EXIT))
    })
  }

  private conclude(
    result: ImportResult,
    ending: Awaited<ReturnType<Import['run']>>,
    checkpoint: string | undefined,
  ): ImportResult {
    if (!this.jsonEnabled()) this.print(summary(result))
    if (ending === 'complete') {
      if (result.rejected > 0) process.exitCode = REJECTED_EXIT
      else if (result.unknown > 0) process.exitCode = 6
      return result
    }
    if (ending instanceof KvError) {
      if (this.jsonEnabled()) process.exitCode = ending.kind.exit
      else process.exitCode = printFailure(ending, false)
      result = { ...result, ...ending.toBody() }
    } else process.exitCode = INTERRUPTED_EXIT
    if (result.read === 0) return result
    this.note(
      checkpoint === undefined
        ? 'run it again to start from the beginning; with --checkpoint it could go on'
        : 'to go on: the same command with --resume',
    )
    return result
  }
}

function every(tick: () => void): () => void {
  const timer = setInterval(tick, CHECKPOINT_EVERY_MS)
  return () => clearInterval(timer)
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}

function summary(result: ImportResult): string {
  const counts = (['written', 'skipped', 'rejected', 'unknown'] as const).map(
    (kind) => `${grouped(result[kind])} ${kind}`,
  )
  return `${grouped(result.read)} records read in ${result.seconds} s (${grouped(result.rate)}/s): ${counts.join(', ')}`
}
