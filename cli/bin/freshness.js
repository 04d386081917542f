import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** What the build reads: when one byte of it changes, dist/ is out of date. */
const SOURCES = ['cli', 'server', 'shared', 'package.json', 'package-lock.json', 'tsconfig.json']

/** What the build makes, beside dist/. */
export const MANIFEST = 'oclif.manifest.json'

const STAMP = path.join('dist', 'stamp.json')

/** @returns {{sources: string, v8: string, manifest: string}} what a build of the checkout as it is would record */
export function currentStamp(root) {
  const manifest = path.join(root, MANIFEST)
  return {
    sources: hashFiles(root, listSources(root)),
    // V8 rejects a code cache of another version of it: a build for every Node.js that is used here.
    v8: `${process.versions.v8} ${process.arch}`,
    manifest: existsSync(manifest) ? hash(readFileSync(manifest)) : '',
  }
}

/** Whether dist/ is what the build would make of the sources as they are. */
export function isBuilt(root) {
  const built = readJson(path.join(root, STAMP))
  if (built === undefined) return false
  const current = currentStamp(root)
  return built.sources === current.sources && built.v8 === current.v8 && built.manifest === current.manifest
}

export function stampFile(root) {
  return path.join(root, STAMP)
}

/**
 * Whether node_modules is what package-lock.json says, going by the record that npm itself leaves there.
 * Optional packages may be missing: most of them are for other platforms.
 */
export function isInstalled(root) {
  const wanted = readJson(path.join(root, 'package-lock.json'))
  const installed = readJson(path.join(root, 'node_modules', '.package-lock.json'))
  if (wanted === undefined || installed === undefined) return false
  return sameInstallation(wanted, installed)
}

export function sameInstallation(wanted, installed) {
  for (const [location, entry] of Object.entries(wanted.packages ?? {})) {
    if (location === '') continue
    const found = installed.packages?.[location]
    if (found === undefined) {
      if (!entry.optional) return false
    } else if (found.version !== entry.version || found.integrity !== entry.integrity) return false
  }
  return true
}

/** All source files, as paths relative to `root` with `/` between the parts, in code unit order. */
export function listSources(root) {
  const files = []
  const visit = (relative) => {
    const full = path.join(root, relative)
    if (!existsSync(full)) return
    for (const entry of readdirSync(full, { withFileTypes: true })) {
      const child = `${relative}/${entry.name}`
      if (entry.isDirectory()) visit(child)
      else if (!child.endsWith('.md')) files.push(child)
    }
  }
  for (const source of SOURCES) {
    if (path.extname(source) === '') visit(source)
    else if (existsSync(path.join(root, source))) files.push(source)
  }
  return files.sort()
}

/** One hash of the names and contents of the files: the same in every place and at every time. */
export function hashFiles(root, files) {
  const digest = createHash('sha256')
  for (const file of files) {
    const content = readFileSync(path.join(root, file))
    digest.update(`${file}\0${content.length}\0`)
    digest.update(content)
  }
  return digest.digest('hex')
}

function hash(content) {
  return createHash('sha256').update(content).digest('hex')
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
