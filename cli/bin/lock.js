import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 100
const HEARTBEAT_MS = 2_000

/** A holder that has not touched the file for so long, while we watched, is dead, whatever its process id says. */
const STALE_MS = 15_000

/**
 * Runs `work` while holding the lock file: one process at a time, on one machine or a shared file system.
 * The lock of a process that has died is taken over.
 * @param {string} file
 * @param {() => Promise<T>} work
 * @param {{onWait?: () => void, staleMs?: number}} [options] onWait is called once, where another process holds it
 * @returns {Promise<T>}
 * @template T
 */
export async function withLock(file, work, { onWait = () => {}, staleMs = STALE_MS } = {}) {
  const owner = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    token: `${process.pid}.${process.hrtime.bigint()}`,
  })
  await acquire(file, owner, onWait, staleMs)
  const heartbeat = setInterval(() => touch(file), HEARTBEAT_MS)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    if (read(file)?.content === owner) unlinkSync(file)
  }
}

async function acquire(file, owner, onWait, staleMs) {
  let watched
  let waiting = false
  while (!create(file, owner)) {
    const seen = read(file)
    if (seen === undefined) continue
    if (watched === undefined || watched.content !== seen.content || watched.touched !== seen.touched) {
      watched = { ...seen, since: performance.now() }
    }
    if (isDead(seen.content) || performance.now() - watched.since > staleMs) {
      remove(file, seen.content)
      continue
    }
    if (!waiting) onWait()
    waiting = true
    await sleep(POLL_MS)
  }
}

/** @returns {boolean} false where the file is there already */
function create(file, owner) {
  try {
    const descriptor = openSync(file, 'wx')
    writeSync(descriptor, owner)
    // Left behind by a power cut, and empty, it would have to be watched for long.
    fsyncSync(descriptor)
    closeSync(descriptor)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/**
 * Removes the stale lock. Another process may do the same and hold a new lock by now: the file is moved aside
 * first, and put back where it turns out not to be the stale one.
 */
function remove(file, stale) {
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
    if (readFileSync(aside, 'utf8') !== stale) linkSync(aside, file)
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error
  }
  try {
    unlinkSync(aside)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}

function isDead(content) {
  let owner
  try {
    owner = JSON.parse(content)
  } catch {
    // Not written yet, or never will be: only watching it tells.
    return false
  }
  if (owner.host !== hostname()) return false
  try {
    process.kill(owner.pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

function read(file) {
  try {
    return { content: readFileSync(file, 'utf8'), touched: statSync(file).mtimeMs }
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

function touch(file) {
  try {
    const now = new Date()
    utimesSync(file, now, now)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}
