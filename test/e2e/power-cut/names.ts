import { FileContent } from './file-content.ts'

/** A directory, with the names in it as the processes see them. */
export class Directory {
  readonly entries = new Map<string, Inode>()
  /** As they were on the disk before the first change that is still open. */
  readonly settled = new Map<string, Inode>()
}

export type Inode = Directory | FileContent

interface Place {
  readonly directory: Directory
  readonly name: string
}

/** A name that was given, taken away, or both: a rename is never half done. */
export interface NameChange {
  readonly at: number
  readonly inode: Inode
  readonly from?: Place
  readonly to?: Place
  /** The file or directory was made by it. */
  readonly creates: boolean
  durable: boolean
}

/**
 * - `file`: the fsync of a new file makes its name durable as well, as ext4, XFS and Btrfs have it. LevelDB relies on
 *   it: it goes over to a new write-ahead log without an fsync of its directory.
 * - `directory`: only the fsync of the directory does, which is all that POSIX promises.
 */
export type NewNames = 'file' | 'directory'

/** All changes of names, in their order, from the first one on that is not known to be on the disk. */
export class Names {
  private readonly newNames: NewNames
  private changes: NameChange[] = []

  constructor(newNames: NewNames) {
    this.newNames = newNames
  }

  change(at: number, inode: Inode, places: { from?: Place; to?: Place; creates?: boolean }): void {
    const { from, to, creates = false } = places
    if (from?.directory.entries.get(from.name) === inode) from.directory.entries.delete(from.name)
    to?.directory.entries.set(to.name, inode)
    this.changes.push({
      at,
      inode,
      ...(from && { from }),
      ...(to && { to }),
      creates,
      durable: false,
    })
  }

  /** An fsync of the file or directory that began at `began` has returned. */
  sync(inode: Inode, began: number): void {
    const ownName = this.newNames === 'file' && inode instanceof FileContent
    for (const [i, change] of this.changes.entries()) {
      if (change.at > began) break
      const { from, to, creates } = change
      const inside = from?.directory === inode || to?.directory === inode
      if (inside || (ownName && creates && change.inode === inode)) this.settle(i)
    }
    const open = this.changes.findIndex(({ durable }) => !durable)
    for (const change of this.changes.splice(0, open < 0 ? this.changes.length : open))
      applyTo(change, ({ settled }) => settled)
  }

  /** Those that a power cut may undo, in their order. */
  unsynced(): readonly NameChange[] {
    return this.changes.filter(({ durable }) => !durable)
  }

  /** What is in each directory where, of the changes that no fsync has covered, those in `kept` have survived. */
  survivors(kept: ReadonlySet<NameChange>): (directory: Directory) => ReadonlyMap<string, Inode> {
    const found = new Map<Directory, Map<string, Inode>>()
    const entries = (directory: Directory): Map<string, Inode> => {
      const known = found.get(directory) ?? new Map(directory.settled)
      found.set(directory, known)
      return known
    }
    const last = this.changes.findLastIndex((change) => change.durable || kept.has(change))
    const surviving = this.changes.slice(0, last + 1).map((change) => change.durable || kept.has(change))
    // A name has one history: its later change never survives without the earlier ones.
    for (let i = last; i >= 0; i--) {
      if (!surviving[i]) continue
      for (const earlier of this.sharing(i)) surviving[earlier] = true
    }
    for (const [i, survives] of surviving.entries()) {
      if (survives) applyTo(this.changes[i]!, entries)
    }
    return entries
  }

  private settle(index: number): void {
    if (this.changes[index]!.durable) return
    this.changes[index]!.durable = true
    for (const earlier of this.sharing(index)) this.settle(earlier)
  }

  /** Earlier changes of one of the same names. */
  private sharing(index: number): number[] {
    const { from, to } = this.changes[index]!
    const found: number[] = []
    for (let i = 0; i < index; i++) {
      const one = this.changes[i]!
      if ([one.from, one.to].some((place) => isSame(place, from) || isSame(place, to))) found.push(i)
    }
    return found
  }
}

function isSame(a: Place | undefined, b: Place | undefined): boolean {
  return a !== undefined && a.directory === b?.directory && a.name === b.name
}

function applyTo({ inode, from, to }: NameChange, entriesOf: (directory: Directory) => Map<string, Inode>) {
  if (from !== undefined) {
    const entries = entriesOf(from.directory)
    if (entries.get(from.name) === inode) entries.delete(from.name)
  }
  if (to !== undefined) entriesOf(to.directory).set(to.name, inode)
}
