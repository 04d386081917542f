import { Prng } from '../../simulation/prng.ts'
import type { Bytes, DataChange } from './file-content.ts'
import type { NameChange } from './names.ts'

/** What a power cut leaves of that which no fsync has covered. */
export interface Survival {
  readonly name: string
  /** Of the changes of names, in their order, those that survive. */
  names(unsynced: readonly NameChange[]): readonly NameChange[]
  /** Adds to the durable bytes of a file what survives of the changes; `last` is the last write of all to any file. */
  data(bytes: Bytes, unsynced: readonly DataChange[], last: DataChange | undefined): void
}

/** The unit in which a disk writes: it tears nothing smaller. */
const SECTOR_BYTES = 512

const allNames = (unsynced: readonly NameChange[]) => unsynced
const allData = (bytes: Bytes, unsynced: readonly DataChange[]): void => {
  for (const change of unsynced) bytes.apply(change)
}

/** Only what was fsynced is there. */
export const NOTHING: Survival = { name: 'nothing', names: () => [], data: () => undefined }

/** Every name is there; files are as short, or empty, as their last fsync has left them. */
export const NAMES: Survival = { name: 'names', names: allNames, data: () => undefined }

/** All data, of the files whose names are there. */
export const DATA: Survival = { name: 'data', names: () => [], data: allData }

/** As after kill -9. */
export const ALL: Survival = { name: 'all', names: allNames, data: allData }

/** Everything but the last write, of which there is only the beginning. */
export function torn(seed: number): Survival {
  const prng = new Prng(seed, 'torn')
  return {
    name: `torn(${seed})`,
    names: allNames,
    data: (bytes, unsynced, last) => {
      for (const change of unsynced) {
        if (change !== last || change.data === undefined) bytes.apply(change)
        else bytes.write(change.offset, change.data.subarray(0, prng.below(change.data.length + 1)))
      }
    },
  }
}

/**
 * Names up to some moment, as a file system with a journal of its own leaves them, and of the data any sectors: the
 * size of a file may have reached the disk before what is in it, which then is zeros.
 */
export function random(seed: number): Survival {
  const prng = new Prng(seed, 'random')
  return {
    name: `random(${seed})`,
    names: (unsynced) => unsynced.slice(0, prng.below(unsynced.length + 1)),
    data: (bytes, unsynced) => someSectors(prng, bytes, unsynced),
  }
}

/** Any of the names and any of the sectors, which is all that POSIX promises. */
export function anyOf(seed: number): Survival {
  const prng = new Prng(seed, 'any of')
  return {
    name: `anyOf(${seed})`,
    names: (unsynced) => unsynced.filter(() => prng.chance(0.5)),
    data: (bytes, unsynced) => someSectors(prng, bytes, unsynced),
  }
}

function someSectors(prng: Prng, bytes: Bytes, unsynced: readonly DataChange[]): void {
  const kept = prng.pick([0.1, 0.5, 0.9])
  // Sizes change in their order: what is beyond a cut that was undone is not there either.
  const sizes = prng.below(unsynced.length + 1)
  for (const [i, { offset, data }] of unsynced.entries()) {
    if (data === undefined) {
      if (i < sizes) bytes.resize(offset)
      continue
    }
    if (i < sizes) bytes.resize(Math.max(bytes.length, offset + data.length))
    for (let at = offset; at < offset + data.length; ) {
      const end = Math.min(offset + data.length, at - (at % SECTOR_BYTES) + SECTOR_BYTES)
      if (prng.chance(kept)) bytes.write(at, data.subarray(at - offset, end - offset))
      at = end
    }
  }
}
