import path from 'node:path'

/** How this program was called, for whoever is to call it again: `kv` when installed, its path in a checkout. */
export function invocation(): string {
  const script = process.argv[1] ?? ''
  if (path.basename(script) !== 'kv.js') return 'kv'
  const relative = path.relative(process.cwd(), script)
  return relative.startsWith('..') ? script : `./${relative}`
}
