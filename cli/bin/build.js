import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build as bundle } from 'esbuild'
import { currentStamp, MANIFEST, stampFile } from './freshness.js'
import { load } from './launch.js'

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
const CODE_CACHE_MAKER = fileURLToPath(new URL('code-cache.js', import.meta.url))

/** Both bundles run on the oldest Node.js that is supported. */
const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
}

/**
 * `kv` as one file, for a short start: nothing to resolve, one file to read, and every module in it evaluated
 * only when it is first imported. It is CommonJS because only such a script can have a V8 code cache.
 */
const CLI = {
  ...COMMON,
  stdin: {
    contents: [
      "export { main } from './cli/main.ts'",
      "export { makeManifest } from './cli/command-plugin.ts'",
    ].join('\n'),
    resolveDir: ROOT,
    sourcefile: 'cli-bundle.ts',
    loader: 'ts',
  },
  format: 'cjs',
  minify: true,
  keepNames: true,
  // oclif asks for these only to run commands from their TypeScript sources.
  external: ['typescript', 'ts-node', 'tsx'],
  outfile: 'dist/cli/kv.cjs',
}

/**
 * One node of the ring, with its packages: a quarter of the processor time to start, and five start at once.
 * Packages stay outside that load a native library, a worker or files beside them, and yaml, which is imported
 * on demand: a chunk of a CommonJS package has no named exports.
 */
const SERVER = {
  ...COMMON,
  entryPoints: ['server/main.ts'],
  format: 'esm',
  // What is imported on demand (the generated documentation) is not loaded before.
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  external: ['classic-level', 'pino', 'yaml', '@fastify/static', '@fastify/swagger-ui'],
  // Packages in CommonJS ask for the modules of Node.js this way.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  outdir: 'dist/server',
}

/** Makes dist/ and oclif.manifest.json of the sources. */
async function build() {
  // Read before anything is compiled: sources that change meanwhile leave a stamp that is out of date.
  const { sources } = currentStamp(ROOT)
  const results = await Promise.all([bundle(CLI), bundle(SERVER)])
  if (results.some((result) => result.warnings.length > 0)) throw new Error('esbuild gave warnings')
  // The old code cache must go with its script: V8 tells them apart by the length of the script only.
  rmSync(path.join(ROOT, 'dist'), { recursive: true, force: true })
  for (const { path: file, contents } of results.flatMap((result) => result.outputFiles)) {
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, contents)
  }
  await writeManifest()
  await writeCodeCache()
  writeFileSync(stampFile(ROOT), `${JSON.stringify({ ...currentStamp(ROOT), sources }, null, 2)}\n`)
}

/** oclif's list of commands and flags: with it, no command is loaded but the one that runs. */
async function writeManifest() {
  const manifest = `${JSON.stringify(await load().exports.makeManifest(ROOT), null, 2)}\n`
  const file = path.join(ROOT, MANIFEST)
  if (read(file) !== manifest) writeFileSync(file, manifest)
}

/** Runs `kv get` in a process of its own against a server made here, and keeps what V8 compiled for it. */
async function writeCodeCache() {
  const server = createServer((request, response) => {
    request.resume()
    response.setHeader(
      'content-type',
      request.headers.accept?.includes('json') ? 'application/json' : 'text/plain',
    )
    response.end(
      JSON.stringify({
        key: 'k',
        value: 'v',
        encoding: 'utf8',
        version: '1',
        context: '',
        replies: 2,
        r: 2,
        sloppy: false,
      }),
    )
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await run([CODE_CACHE_MAKER, 'get', 'k', '--endpoint', `http://127.0.0.1:${server.address().port}`])
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

function run(argv) {
  return new Promise((resolve, reject) => {
    // Nothing of the user's settings: neither their environment nor files in or above the working directory.
    const options = {
      cwd: path.join(ROOT, 'dist'),
      env: { KV_HOME: path.join(ROOT, 'dist', 'home'), CI: '1' },
    }
    const child = spawn(process.execPath, argv, { ...options, stdio: ['ignore', 'ignore', 'inherit'] })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${argv[0]} exited with ${code}`)),
    )
  })
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

await build()
