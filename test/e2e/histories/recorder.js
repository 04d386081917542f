/**
 * Loaded into a node before all else (`node --import`): every batch on its way to the database is first written down
 * in a file, and the wall clock may be set wrong. What was handed to the kernel outlives the process.
 */
import { openSync, writeSync } from 'node:fs'
import { ClassicLevel } from 'classic-level'

const { RECORDING_FILE = '', CLOCK_AHEAD_MS = '0', LOSES_VALUES_WITH } = process.env

const file = openSync(RECORDING_FILE, 'a')
const aheadMs = Number(CLOCK_AHEAD_MS)
const wallMs = Date.now
Date.now = () => wallMs() + aheadMs

const begin = ClassicLevel.prototype.batch

/** A chained batch, which is all that nodes use. */
ClassicLevel.prototype.batch = function (...argv) {
  const batch = begin.apply(this, argv)
  const put = batch.put.bind(batch)
  const del = batch.del.bind(batch)
  const write = batch.write.bind(batch)
  const operations = []
  batch.put = (key, value) => {
    operations.push([key.toString('base64'), value.toString('base64')])
    // A node that is to be caught at losing what it has acknowledged.
    if (LOSES_VALUES_WITH !== undefined && value.includes(LOSES_VALUES_WITH)) return batch
    return put(key, value)
  }
  batch.del = (key) => {
    operations.push([key.toString('base64'), null])
    return del(key)
  }
  batch.write = (options) => {
    writeSync(file, `${JSON.stringify(operations)}\n`)
    return write(options)
  }
  return batch
}
