import type { NodeId } from '../ports/network.ts'
import type { Heartbeat } from './heartbeat.ts'
import { MAX_MEMBERS } from './layout.ts'

interface Disk {
  incarnation: string
  /** Batches that it had taken when the peer said so last. */
  commits: number
}

/**
 * What this node remembers of its peers' disks. A disk that is put back to a snapshot, with all that tells files apart,
 * cannot know it; but it has taken fewer batches than its node once told the others.
 */
export class DiskMemory {
  private readonly self: NodeId
  private readonly disks = new Map<NodeId, Disk>()
  private readonly doubted = new Map<NodeId, number>()
  private readonly listeners: ((commits: number) => void)[] = []

  constructor(settings: { id: NodeId }) {
    this.self = settings.id
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
}
