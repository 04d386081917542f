import { KvError, toKvError } from '../shared/errors.ts'
import { nearest } from '../shared/nearest.ts'

/** The fields that the errors of oclif's parser have, by which one is known from another. */
interface ParserError extends Error {
  readonly oclif?: { readonly exit?: number }
  readonly code?: string
  readonly flags?: readonly string[]
  readonly args?: readonly ({ readonly name?: string } | string)[]
  readonly parse?: { readonly input?: { readonly flags?: object } }
}

/** Whatever a command threw, as an error of the table; undefined for an orderly exit. */
export function toFailure(thrown: unknown): KvError | undefined {
  if (thrown instanceof KvError) return thrown
  if (!(thrown instanceof Error)) return toKvError(thrown)
  const error = thrown as ParserError
  if (error.code === 'EEXIT') return undefined
  if (error.code === 'EPIPE') return undefined
  if (error.oclif !== undefined) return parserFailure(error)
  if (isFileError(error)) return fileFailure(error)
  return toKvError(error)
}

/** Prints an error: the JSON object on stdout, or a line and its hint on stderr. @returns the exit code. */
export function printFailure(error: KvError, json: boolean): number {
  if (json) process.stdout.write(`${JSON.stringify(error.toBody())}\n`)
  else {
    process.stderr.write(`kv: ${error.message}\n`)
    if (error.hint !== '') process.stderr.write(`  ${error.hint}\n`)
    if (error.code === 'internal' && process.env.KV_DEBUG)
      process.stderr.write(`${error.cause ?? error.stack}\n`)
  }
  return error.kind.exit
}

/** Says what is wrong without repeating values, which may be data or secrets in the wrong place. */
function parserFailure(error: ParserError): KvError {
  const kind = error.constructor.name
  if (kind === 'NonExistentFlagsError' && error.flags) {
    const typed = error.flags.map((flag) => flag.split('=')[0] as string)
    const known = Object.keys(error.parse?.input?.flags ?? {}).map((name) => `--${name}`)
    const guess = nearest(typed[0] ?? '', known)
    const hint = guess
      ? `did you mean ${guess}?`
      : `see --help; write -- before a key or value that begins with -`
    return new KvError('usage', `there is no flag ${typed.join(', ')}`, hint)
  }
  if (kind === 'RequiredArgsError' && error.args) {
    const names = error.args.map((arg) => (typeof arg === 'string' ? arg : String(arg.name)).toUpperCase())
    return new KvError('usage', `missing: ${names.join(' ')}`, 'see --help')
  }
  if (kind === 'UnexpectedArgsError') {
    return new KvError(
      'usage',
      'there are too many arguments',
      'quote a key or value that has spaces in it; see --help',
    )
  }
  const message = error.message
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\s*See more help with --help$/, '')
    .replace(/^The following errors? occurred: /, '')
    .replace(/^Parsing (--?\S+) E/, '$1: e')
    .replace(/^All of the following must be provided when using (--\S+): /, '$1 goes with ')
  return new KvError('usage', message, 'see --help')
}

function isFileError(error: NodeJS.ErrnoException): boolean {
  return typeof error.code === 'string' && typeof error.path === 'string' && typeof error.syscall === 'string'
}

function fileFailure(error: NodeJS.ErrnoException): KvError {
  const reasons = new Map([
    ['ENOENT', 'there is no such file'],
    ['EACCES', 'permission denied'],
    ['EISDIR', 'it is a directory'],
    ['ENOTDIR', 'a part of its path is not a directory'],
  ])
  const reason = reasons.get(error.code ?? '')
  if (reason) return new KvError('usage', `${error.path}: ${reason}`, 'check the path')
  return new KvError('internal', `${error.path}: ${error.message}`)
}
