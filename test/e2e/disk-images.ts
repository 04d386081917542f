import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { isRunning, sendSignal } from '../../cli/local-ring/process-identity.ts'
import { readMarker, writeMarker } from '../../server/adapters/directory-marker.ts'
import { eventually } from '../eventually.ts'
import type { KvUser } from './kv-user.ts'

const MINUTE = 60_000

/** The directory that `kv up` has made for the node. */
export function dataOf(user: KvUser, id: string): string {
  return nodeOf(user, id).dataDir
}

function nodeOf(user: KvUser, id: string) {
  const node = user.ring().nodes.find((one) => one.id === id)
  if (node === undefined) throw new Error(`there is no node ${id}`)
  return node
}

/** Ends the node's process and waits until it is gone; in order where the signal is SIGTERM. */
export async function endNode(user: KvUser, id: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const { process } = nodeOf(user, id)
  if (process === undefined) return
  sendSignal(process, signal)
  await eventually(`the process of ${id} to end`, () => !isRunning(process), MINUTE)
}

/** As an administrator copies a directory: with times and owners. */
export function copyDirectory(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true })
  execFileSync('cp', ['-a', from, to])
}

/**
 * Takes the traces of copying out of a directory, as if the disk as a whole had been copied, or put back to what it
 * was then: by a snapshot of its volume or of the virtual machine, of which a node cannot see anything.
 */
export async function hideCopying(directory: string): Promise<void> {
  const found = await readMarker(directory)
  if (found === undefined) throw new Error(`${directory} has no marker`)
  await writeMarker(directory, found.marker)
}
