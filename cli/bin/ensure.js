import { realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { isBuilt, isInstalled } from './freshness.js'

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
const OLDEST_NODE = [20, 19]

/**
 * Makes a checkout ready to run: installs the dependencies where they are missing or not those of the lockfile,
 * and builds where dist/ is missing or older than the sources. Does nothing, quickly, where all is in place.
 * @returns {Promise<boolean>} false where that failed; stderr says why
 */
export async function ensure(root = ROOT) {
  try {
    const unsupported = unsupportedNode(process.versions.node)
    if (unsupported !== undefined) throw new Error(unsupported)
    if (!isInstalled(root) || !isBuilt(root)) await prepareAlone(root)
    return true
  } catch (error) {
    say(error.message)
    return false
  }
}

async function prepareAlone(root) {
  const { withLock } = await import('./lock.js')
  const waiting = () => say('another process is installing or building here; waiting for it')
  await withLock(path.join(root, '.ensure.lock'), () => prepare(root), { onWait: waiting })
}

async function prepare(root) {
  if (!isInstalled(root)) {
    say('installing dependencies (npm ci)')
    await install(root)
  }
  if (!isBuilt(root)) {
    say('building')
    // A process of its own: what was just installed is loaded there, and a crash of it is told as a failure.
    await runNode(root, [path.join(root, 'cli', 'bin', 'build.js')], 'the build failed')
  }
}

function install(root) {
  const argv = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=dev']
  const failure = 'npm ci failed, so the dependencies are not installed; is the network reachable?'
  const npm = process.env.npm_execpath
  if (npm?.endsWith('.js')) return runNode(root, [npm, ...argv], failure)
  return runProcess(root, 'npm', argv, failure, { shell: process.platform === 'win32' })
}

function runNode(root, argv, failure) {
  return runProcess(root, process.execPath, argv, failure)
}

/** Its output is for people and goes to stderr: stdout belongs to the command that runs next. */
async function runProcess(root, command, argv, failure, options = {}) {
  const { spawn } = await import('node:child_process')
  await new Promise((resolve, reject) => {
    const child = spawn(command, argv, { cwd: root, stdio: ['ignore', 2, 2], ...options })
    child.on('error', (error) => reject(new Error(`${failure} (${error.message})`)))
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${failure} (${signal ?? `exit code ${code}`})`))
    })
  })
}

function say(text) {
  process.stderr.write(`kvring: ${text}\n`)
}

/** @returns {string | undefined} why this version of Node.js will not do */
export function unsupportedNode(version) {
  const [major, minor] = version.split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST_NODE
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined
  return `Node.js ${version} is too old: kvring needs ${OLDEST_NODE.join('.')} or newer`
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (!(await ensure())) process.exitCode = 1
}
