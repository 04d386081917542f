import { KvError } from '../../shared/errors.ts'

/** @throws KvError `usage` unless `value` is a quorum among n owners. */
export function quorum(name: 'r' | 'w', value: number, n: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= n) return value
  throw new KvError('usage', `${name}=${value} is out of range`, `${name} is a whole number from 1 to n=${n}`)
}

/** @throws KvError `too_large` for a value of more than `most` bytes. */
export function checkSize(value: Buffer | null, most: number): void {
  if (value === null || value.length <= most) return
  throw new KvError('too_large', `the value has ${value.length} bytes`, `values have at most ${most} bytes`)
}
