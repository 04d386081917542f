import { FileContent } from './file-content.ts'
import type { JournalRecord } from './journal.ts'
import { Directory, type Inode, Names, type NewNames } from './names.ts'
import type { Survival } from './survival.ts'
import type { Tree } from './tree.ts'

/**
 * A disk to which the records of a journal are applied one after the other, and which can tell at any moment what a
 * power cut may leave of it: all that an fsync has covered, and of the rest what a Survival says.
 */
export class Disk {
  private readonly root = new Directory()
  private readonly names: Names
  /** Open files, by the place of the record that opened them. */
  private readonly opened = new Map<number, Inode>()
  private readonly written = new Set<FileContent>()

  /** `before`: what was there, and durable, before the first record. */
  constructor(before: Tree, newNames: NewNames = 'file') {
    this.names = new Names(newNames)
    for (const [path, content] of before) {
      const { directory, name } = this.place(path)
      const inode = content === undefined ? new Directory() : new FileContent(content)
      directory.entries.set(name, inode)
      directory.settled.set(name, inode)
    }
  }

  /** @throws Error where the record cannot follow those before it: the journal lacks something. */
  apply(record: JournalRecord): void {
    const { at } = record
    switch (record.type) {
      case 'open':
        this.open(record)
        return
      case 'write':
        this.file(record.opened).change({ at, offset: record.offset, data: record.data })
        return
      case 'truncate':
        this.file(record.opened).change({ at, offset: record.bytes })
        return
      case 'sync-begin':
        return
      case 'sync-end': {
        const inode = this.inode(record.opened)
        this.names.sync(inode, record.began)
        if (inode instanceof FileContent) inode.sync(record.began)
        return
      }
      case 'rename':
        this.names.change(at, this.find(record.path), {
          from: this.place(record.path),
          to: this.place(record.to),
        })
        return
      case 'link':
        this.names.change(at, this.find(record.path), { to: this.place(record.to) })
        return
      case 'mkdir':
        this.names.change(at, new Directory(), { to: this.place(record.path), creates: true })
        return
      case 'unlink':
      case 'rmdir':
        this.names.change(at, this.find(record.path), { from: this.place(record.path) })
        return
    }
  }

  /** What is on the disk where the power is cut now. */
  cut(survival: Survival): Tree {
    const entries = this.names.survivors(new Set(survival.names(this.names.unsynced())))
    let last = undefined as ReturnType<FileContent['unsynced']>[number] | undefined
    for (const file of this.written) {
      const change = file.unsynced().at(-1)
      if (change !== undefined && change.at > (last?.at ?? 0)) last = change
    }
    const tree = new Map<string, Buffer | undefined>()
    const visit = (directory: Directory, path: string): void => {
      for (const [name, inode] of entries(directory)) {
        if (inode instanceof Directory) {
          tree.set(path + name, undefined)
          visit(inode, `${path}${name}/`)
        } else {
          const bytes = inode.durable()
          survival.data(bytes, inode.unsynced(), last)
          tree.set(path + name, bytes.content())
        }
      }
    }
    visit(this.root, '')
    return tree
  }

  private open(record: JournalRecord & { type: 'open' }): void {
    const { at, path, creates, truncates } = record
    const place = path === '' ? undefined : this.place(path)
    let inode: Inode | undefined = place ? place.directory.entries.get(place.name) : this.root
    if (inode === undefined && creates && place) {
      inode = new FileContent()
      this.names.change(at, inode, { to: place, creates: true })
    } else if (truncates && inode instanceof FileContent) inode.change({ at, offset: 0 })
    if (inode === undefined) throw new Error(`${path} was opened, and nobody has made it`)
    this.opened.set(at, inode)
  }

  private inode(opened: number): Inode {
    const inode = this.opened.get(opened)
    if (inode === undefined) throw new Error(`nothing was opened at ${opened}`)
    return inode
  }

  private file(opened: number): FileContent {
    const inode = this.inode(opened)
    if (!(inode instanceof FileContent)) throw new Error(`what was opened at ${opened} is a directory`)
    this.written.add(inode)
    return inode
  }

  private place(path: string): { directory: Directory; name: string } {
    const parts = path.split('/')
    const name = parts.pop()!
    let directory = this.root
    for (const part of parts) {
      const next = directory.entries.get(part)
      if (!(next instanceof Directory)) throw new Error(`${path}: there is no directory ${part}`)
      directory = next
    }
    return { directory, name }
  }

  private find(path: string): Inode {
    const { directory, name } = this.place(path)
    const inode = directory.entries.get(name)
    if (inode === undefined) throw new Error(`there is no ${path}`)
    return inode
  }
}
