import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { build } from 'esbuild'
import { BUNDLE, CODE_CACHE, load, ROOT } from './launch.js'

/** Builds the command line: dist/cli/kv.cjs, its V8 code cache, and oclif.manifest.json. */
export async function bundleCli() {
  mkdirSync(path.dirname(BUNDLE), { recursive: true })
  rmSync(CODE_CACHE, { force: true })
  await build({
    entryPoints: [path.join(ROOT, 'cli', 'main.ts')],
    outfile: BUNDLE,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // Names stay: the classes of errors are told by theirs.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // oclif looks for it only to run commands from TypeScript sources.
    external: ['typescript'],
    logLevel: 'warning',
  })
  // A process of its own: libraries settle things such as colour once, when they are first loaded.
  const made = spawnSync(process.execPath, [import.meta.filename], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (made.status !== 0) throw new Error('the manifest and the code cache could not be made')
}

async function finish() {
  const bundle = load()
  const file = path.join(ROOT, 'oclif.manifest.json')
  const manifest = `${JSON.stringify(await bundle.exports.makeManifest(ROOT), null, 2)}\n`
  if (readIfThere(file) !== manifest) writeFileSync(file, manifest)
  await warmUp(bundle.exports.main)
  writeFileSync(CODE_CACHE, bundle.codeCache())
}

/** The code cache holds the functions that have run by then: those of a usual command should be among them. */
async function warmUp(main) {
  const answer = {
    key: 'k',
    value: 'v',
    encoding: 'utf8',
    version: '1',
    context: '',
    replies: 2,
    r: 2,
    sloppy: false,
  }
  const server = http.createServer((request, response) => {
    request.resume()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${server.address().port}`
  const write = process.stdout.write
  process.stdout.write = () => true
  await main(['get', 'k', '--endpoint', endpoint], ROOT)
  await main(['set', 'k', 'v', '--json', '--endpoint', endpoint], ROOT)
  process.stdout.write = write
  server.close()
  server.closeAllConnections()
}

function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

if (process.argv[1] === import.meta.filename) await finish()
