import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import vm from 'node:vm'

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
export const BUNDLE = path.join(ROOT, 'dist', 'cli', 'kv.cjs')
export const CODE_CACHE = `${BUNDLE}.cache`

/** Runs `kv` with these arguments: the bundle that the build made. */
export async function run(argv) {
  if (!existsSync(BUNDLE)) {
    process.stderr.write('kv: this checkout has not been built yet\n  run: npm start, or npm run build\n')
    process.exitCode = 1
    return
  }
  plainWithoutTerminal(process.env)
  const successor = await load().exports.main(argv, ROOT)
  // Here, because a script that comes from a code cache cannot import modules.
  if (successor !== undefined) await import(pathToFileURL(successor).href)
}

/**
 * Evaluates the bundle. V8's code cache of it, made by the build, saves a third of the start-up time; V8 itself
 * rejects a cache of another version of it, and then compiles as usual.
 */
export function load() {
  const source = readFileSync(BUNDLE, 'utf8')
  const cachedData = existsSync(CODE_CACHE) ? readFileSync(CODE_CACHE) : undefined
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${source}\n})`
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER
  const script = new vm.Script(wrapped, { filename: BUNDLE, cachedData, importModuleDynamically })
  const module = { exports: {} }
  const evaluate = script.runInThisContext()
  evaluate(module.exports, createRequire(BUNDLE), module, BUNDLE, path.dirname(BUNDLE))
  return { exports: module.exports, codeCache: () => script.createCachedData() }
}

/** No colour without a terminal or in CI; the libraries read it when they are loaded. */
function plainWithoutTerminal(env) {
  if (!process.stdout.isTTY || env.CI || env.TERM === 'dumb') env.NO_COLOR ||= '1'
}
