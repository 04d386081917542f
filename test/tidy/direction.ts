import path from 'node:path/posix'
import ts from 'typescript'
import { type Finding, lineAt, type SourceFile } from './source-files.ts'

const NODE = 'server/node.ts'

/** It alone knows what the ports are made of. */
const COMPOSITION_ROOT = 'server/main.ts'
const ROOT_ONLY = 'server/adapters'

/**
 * The layers, lowest first. A file may import from its own part, from lower layers, and from parts beside it
 * in its layer as long as the parts do not form a circle.
 */
const LAYERS: readonly (readonly string[])[] = [
  ['shared'],
  ['server/ports'],
  ['server/ring', 'server/causality', 'server/chaos'],
  ['server/rpc'],
  ['server/membership', 'server/replica'],
  ['server/handoff', 'server/anti-entropy', 'server/paxos', 'server/coordinator'],
  ['server/api'],
  [NODE],
  [COMPOSITION_ROOT],
]

/** Parts that stand outside the layers, and all that they may import. */
const APART = new Map<string, readonly string[]>([
  ['server/adapters', ['shared', 'server/ports']],
  ['server/web', ['shared']],
  ['cli', ['shared']],
])

interface Edge {
  readonly from: string
  readonly to: string
  readonly finding: Finding
}

/** Imports that point from a lower layer to a higher one, into a part apart, or around a circle of parts. */
export function checkDirection(files: readonly SourceFile[]): Finding[] {
  const findings: Finding[] = []
  const beside: Edge[] = []
  for (const file of files) {
    if (!/^(server|shared|cli)\/.*\.ts$/.test(file.path)) continue
    const from = partOf(file.path)
    for (const { target, line } of relativeImports(file)) {
      const to = partOf(target)
      if (to === from) continue
      const finding = { file: file.path, line, rule: `${from} must not import ${to}` }
      if (!mayImport(from, to)) findings.push(finding)
      else if (layerOf(from) === layerOf(to)) beside.push({ from, to, finding })
    }
  }
  return [...findings, ...beside.filter((edge) => reaches(beside, edge.to, edge.from)).map(circular)]
}

function circular({ from, to, finding }: Edge): Finding {
  return { ...finding, rule: `${from} and ${to} import each other` }
}

function mayImport(from: string, to: string): boolean {
  if (to === 'package.json') return true
  const allowed = APART.get(from)
  if (allowed) return allowed.includes(to)
  if (to === ROOT_ONLY) return from === COMPOSITION_ROOT
  const [fromLayer, toLayer] = [layerOf(from), layerOf(to)]
  return fromLayer >= 0 && toLayer >= 0 && toLayer <= fromLayer
}

function layerOf(part: string): number {
  return LAYERS.findIndex((layer) => layer.includes(part))
}

/**
 * The part of the project that a file belongs to: `server/ring`, `shared`, `cli`. What stands beside the folders of
 * the server puts them together: that is the node.
 */
function partOf(file: string): string {
  const [top = '', second = ''] = file.split('/')
  if (top !== 'server') return top
  return second.endsWith('.ts') && file !== COMPOSITION_ROOT ? NODE : `server/${second}`
}

function reaches(edges: readonly Edge[], from: string, to: string, seen = new Set<string>()): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  return edges.some((edge) => edge.from === from && reaches(edges, edge.to, to, seen))
}

/** The files that a file imports, statically or dynamically, types included. */
function relativeImports(file: SourceFile): { target: string; line: number }[] {
  return ts
    .preProcessFile(file.text, true, true)
    .importedFiles.flatMap(({ fileName, pos }) =>
      fileName.startsWith('.')
        ? [{ target: path.join(path.dirname(file.path), fileName), line: lineAt(file.text, pos) }]
        : [],
    )
}
