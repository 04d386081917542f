import { writeFileSync } from 'node:fs'
import { CODE_CACHE, load, ROOT } from './launch.js'

/**
 * Runs one command line and keeps the functions that V8 has compiled for it beside the bundle, so that later
 * starts need not compile them. A part of the build.
 */
const { exports, codeCache } = load()
await exports.main(process.argv.slice(2), ROOT)
if (process.exitCode) process.stderr.write('the command for the code cache failed\n')
else writeFileSync(CODE_CACHE, codeCache())
