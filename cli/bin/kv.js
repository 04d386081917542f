#!/usr/bin/env node
import { run } from './launch.js'

await run(process.argv.slice(2))
