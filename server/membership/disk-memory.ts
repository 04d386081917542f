import { toKvError } from '../../shared/errors.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { NodeId } from '../ports/network.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import { type Heartbeat, readList } from './heartbeat.ts'
import { MAX_MEMBERS } from './layout.ts'

const KEY = Buffer.from('mdisks')
const FORMAT = 1

/** The counts rise all the time; they are written at most this often. One that is older errs on the side of trust. */
const WRITE_INTERVAL_MS = 10_000

interface Disk {
  incarnation: string
  /** Batches that it had taken when the peer said so last. */
  commits: number
}

/**
 * What this node remembers of its peers' disks. A disk that is put back to a snapshot, with all that tells files apart,
 * cannot know it; but it has taken fewer batches than its node once told the others. It is kept on this node's own disk,
 * for nodes that are all started anew.
 */
export class DiskMemory {
  private readonly components: { readonly storage: Storage; readonly trace: Trace }
  private readonly self: NodeId
  private readonly disks = new Map<NodeId, Disk>()
  private readonly doubted = new Map<NodeId, number>()
  private readonly listeners: ((commits: number) => void)[] = []

  private written: Buffer = Buffer.alloc(0)
  private writtenMs = Number.NEGATIVE_INFINITY
  private writing = false

  constructor(components: { storage: Storage; trace: Trace }, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
  }

  /** What is unreadable is as good as nothing: the peers are believed, as in a new ring. */
  load(): void {
    const bytes = this.components.storage.get(KEY)
    if (bytes === undefined) return
    try {
      for (const { id, ...disk } of decode(bytes)) this.disks.set(id, disk)
    } catch (error) {
      this.components.trace.event('warn', 'disks.unreadable', { why: toKvError(error).message })
    }
  }

  /** Once a round: keeps the disk up to date. */
  round(nowMs: number): void {
    if (this.writing || nowMs - this.writtenMs < WRITE_INTERVAL_MS) return
    const bytes = this.encode()
    if (bytes.equals(this.written)) return
    this.writing = true
    this.writtenMs = nowMs
    void this.store(bytes)
  }

  /** Peers whose disks were put back or changed, with a number of batches above all that they can have remembered. */
  get doubts(): ReadonlyMap<NodeId, number> {
    return this.doubted
  }

  /** Told when a peer has known this node with another disk, or its disk with more batches than these. */
  onDoubt(listener: (commits: number) => void): void {
    this.listeners.push(listener)
  }

  take(
    from: NodeId,
    { incarnation, report, doubts }: Pick<Heartbeat, 'incarnation' | 'report' | 'doubts'>,
  ): void {
    if (report !== undefined) this.heard(from, incarnation, report.commits)
    const doubt = doubts.get(this.self)
    if (doubt !== undefined) for (const listener of this.listeners) listener(doubt)
  }

  private heard(id: NodeId, incarnation: string, commits: number): void {
    const disk = this.disks.get(id)
    if (disk === undefined) {
      if (this.disks.size < MAX_MEMBERS) this.disks.set(id, { incarnation, commits })
      return
    }
    if (disk.incarnation !== incarnation || commits < disk.commits)
      this.doubted.set(id, Math.max(commits, disk.commits) + 1)
    // It has heard of the doubt, and counts from there on.
    else if (commits >= (this.doubted.get(id) ?? 0)) this.doubted.delete(id)
    disk.incarnation = incarnation
    disk.commits = commits
  }

  /** Of a disk that is doubted the higher number: its node has perhaps not heard of the doubt yet. */
  private encode(): Buffer {
    const writer = new ByteWriter().u8(FORMAT).u16(this.disks.size)
    for (const [id, { incarnation, commits }] of this.disks)
      writer
        .text(id)
        .text(incarnation)
        .u53(Math.max(commits, this.doubted.get(id) ?? 0))
    return writer.finish()
  }

  private async store(bytes: Buffer): Promise<void> {
    const { storage, trace } = this.components
    try {
      await storage.commit([{ type: 'put', key: KEY, value: bytes }])
      this.written = bytes
    } catch (error) {
      trace.event('error', 'disks.not_stored', { why: toKvError(error).message })
    } finally {
      this.writing = false
    }
  }
}

/** @throws RangeError where the bytes are no memory of disks. */
function decode(bytes: Buffer): (Disk & { id: NodeId })[] {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format !== FORMAT) throw new RangeError(`disks in format ${format}; this version reads ${FORMAT}`)
  const disk = () => ({ id: reader.text(), incarnation: reader.text(), commits: reader.u53() })
  const disks = readList(reader.u16(), MAX_MEMBERS, disk)
  reader.done()
  return disks
}
