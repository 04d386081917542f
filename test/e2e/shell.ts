import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { KV, type KvUser } from './kv-user.ts'

export interface ShellRun {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Enough of curl for what the documentation shows: it need not be installed. */
const CURL = `
const { values, positionals } = require('node:util').parseArgs({
  allowPositionals: true,
  options: { request: { type: 'string', short: 'X' }, 'data-binary': { type: 'string' } },
})
fetch(positionals[0], { method: values.request, body: values['data-binary'] }).then(async (answer) => {
  console.log(await answer.text())
  if (!answer.ok) process.exitCode = 1
})
`

/** A shell in the user's directory, with `kv` and `curl` on its path. */
export class Shell {
  private readonly user: KvUser
  private readonly bin: string
  private readonly env: Readonly<Record<string, string>>

  constructor(user: KvUser, env: Readonly<Record<string, string>> = {}) {
    this.user = user
    this.env = env
    this.bin = user.file('bin')
    mkdirSync(this.bin)
    this.program('kv', `exec '${process.execPath}' '${KV}' "$@"`)
    writeFileSync(path.join(this.bin, 'curl.cjs'), CURL)
    this.program('curl', `exec '${process.execPath}' '${path.join(this.bin, 'curl.cjs')}' "$@"`)
  }

  /** Runs a line; one that does not end by itself is interrupted once it has printed `until`. */
  run(line: string, until?: string): Promise<ShellRun> {
    const env = {
      PATH: `${this.bin}:${process.env.PATH}`,
      HOME: this.user.directory,
      KV_HOME: this.user.home,
      CI: '1',
      ...this.env,
    }
    const text = until === undefined ? line : `exec ${line}`
    const child = spawn('bash', ['-c', text], {
      cwd: this.user.directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk) => {
      out += chunk
      if (until !== undefined && out.includes(until)) child.kill('SIGINT')
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, out, err }))
    })
  }

  private program(name: string, script: string): void {
    const file = path.join(this.bin, name)
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
  }
}
