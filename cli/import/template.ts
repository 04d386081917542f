import { KvError } from '../../shared/errors.ts'

/** The fields of a record, as the key of the record needs them. */
type Fields = Readonly<Record<string, unknown>>

/**
 * A key as `{country}/{name}`: text, and names of fields in braces; `{{` and `}}` are braces themselves.
 * A name with dots (`{address.city}`) reaches into objects where there is no field of just that name.
 */
export class Template {
  /** The fields that it names. */
  readonly names: readonly string[]
  private readonly texts: readonly string[]

  /** @throws KvError `usage` for a brace that is not closed, and where no field is named. */
  constructor(pattern: string) {
    const texts: string[] = []
    const names: string[] = []
    let text = ''
    for (let at = 0; at < pattern.length; at++) {
      const char = pattern[at] as string
      if ((char === '{' || char === '}') && pattern[at + 1] === char) {
        text += char
        at++
      } else if (char === '{') {
        const end = pattern.indexOf('}', at)
        if (end <= at + 1) throw badTemplate(pattern)
        texts.push(text)
        names.push(pattern.slice(at + 1, end))
        text = ''
        at = end
      } else if (char === '}') throw badTemplate(pattern)
      else text += char
    }
    if (names.length === 0) throw badTemplate(pattern)
    this.texts = [...texts, text]
    this.names = names
  }

  /** @throws KvError `usage` where a field is missing, or is no text, number or truth value. */
  fill(fields: Fields): string {
    let key = this.texts[0] as string
    for (let i = 0; i < this.names.length; i++) {
      key += scalar(fields, this.names[i] as string) + (this.texts[i + 1] as string)
    }
    return key
  }
}

/** @throws KvError `usage` where there is none. */
export function field(fields: Fields, name: string): unknown {
  const found = Object.hasOwn(fields, name)
    ? fields[name]
    : name.includes('.')
      ? nested(fields, name)
      : undefined
  if (found === undefined || found === null) throw new KvError('usage', `the field "${name}" is missing`)
  return found
}

function scalar(fields: Fields, name: string): string {
  const value = field(fields, name)
  if (typeof value === 'object') throw new KvError('usage', `the field "${name}" is no text or number`)
  return String(value)
}

function nested(fields: Fields, name: string): unknown {
  let value: unknown = fields
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Fields)[part]
  }
  return value
}

function badTemplate(pattern: string): KvError {
  return new KvError(
    'usage',
    `"${pattern}" is not a key template`,
    "name fields in braces, as in --key '{country}/{name}'",
  )
}
