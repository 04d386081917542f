import ts from 'typescript'
import type { Finding, SourceFile } from './source-files.ts'

const GLOBALS = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
  'performance',
  'Intl',
])

const PROPERTIES = new Map([
  ['Date', ['now']],
  ['Math', ['random']],
  ['process', ['env', 'hrtime', 'nextTick', 'uptime']],
  ['AbortSignal', ['timeout']],
  ['Promise', ['race']],
])

const RANDOM = new Set([
  'randomBytes',
  'randomInt',
  'randomUUID',
  'randomFill',
  'randomFillSync',
  'getRandomValues',
  'webcrypto',
])

const MODULES = new Set([
  'timers',
  'timers/promises',
  'perf_hooks',
  'os',
  'dgram',
  'child_process',
  'worker_threads',
  'fs',
  'fs/promises',
])

/** Whether the deterministic core's rules hold for a file. */
export function isCore(path: string): boolean {
  if (!/^(server|shared)\/.*\.ts$/.test(path)) return false
  return !/^(server\/(adapters|web)\/|server\/main\.ts$|shared\/client\/)/.test(path)
}

/**
 * Whatever reads the world past the ports, depends on a locale, orders by UTF-16 units, or keeps state where
 * two nodes in one process would share it. The simulation can be repeated only without these.
 */
export function checkWorldBans(file: SourceFile): Finding[] {
  const findings: Finding[] = []
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2023, true)
  const report = (node: ts.Node, rule: string): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart())
    findings.push({ file: file.path, line: line + 1, rule })
  }
  const visit = (node: ts.Node): void => {
    for (const check of [globalUse, propertyUse, importUse, dateUse, orderUse, recordUse]) {
      const rule = check(node)
      if (rule !== undefined) report(node, rule)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  for (const statement of source.statements) moduleState(statement, report)
  return findings
}

type Verdict = string | undefined

function globalUse(node: ts.Node): Verdict {
  if (!ts.isIdentifier(node) || !GLOBALS.has(node.text) || isOnlyName(node)) return undefined
  return `${node.text} reads the world past the ports`
}

/** Names of members and properties are not uses of the global with that name. */
function isOnlyName(node: ts.Identifier): boolean {
  const parent = node.parent
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node && !isGlobalObject(parent.expression)
  return (
    ((ts.isPropertyAssignment(parent) || ts.isClassElement(parent) || ts.isTypeElement(parent)) &&
      parent.name === node) ||
    ts.isQualifiedName(parent)
  )
}

function isGlobalObject(node: ts.Expression): boolean {
  return ts.isIdentifier(node) && (node.text === 'globalThis' || node.text === 'global')
}

function propertyUse(node: ts.Node): Verdict {
  if (!ts.isPropertyAccessExpression(node)) return undefined
  const object = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression
  const name = node.name.text
  if (ts.isIdentifier(object) && PROPERTIES.get(object.text)?.includes(name)) {
    return `${object.text}.${name} reads the world past the ports`
  }
  if (RANDOM.has(name)) return `${name} is not the port's randomness`
  if (name === 'localeCompare' || name.startsWith('toLocale')) return `${name} differs between machines`
  return undefined
}

function importUse(node: ts.Node): Verdict {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return bannedModule(node.moduleSpecifier.text)
  }
  if (ts.isImportSpecifier(node) && RANDOM.has((node.propertyName ?? node.name).text)) {
    return `${node.name.text} is not the port's randomness`
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const argument = node.arguments[0]
    if (argument && ts.isStringLiteral(argument)) return bannedModule(argument.text)
  }
  return undefined
}

function bannedModule(name: string): Verdict {
  return MODULES.has(name.replace(/^node:/, '')) ? `${name} reads the world past the ports` : undefined
}

function dateUse(node: ts.Node): Verdict {
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return undefined
  if (!ts.isIdentifier(node.expression) || node.expression.text !== 'Date') return undefined
  const argless = (node.arguments?.length ?? 0) === 0
  return argless || ts.isCallExpression(node)
    ? 'Date without a time reads the clock past the ports'
    : undefined
}

function orderUse(node: ts.Node): Verdict {
  if (!ts.isCallExpression(node) || node.arguments.length > 0) return undefined
  if (!ts.isPropertyAccessExpression(node.expression)) return undefined
  const name = node.expression.name.text
  return name === 'sort' || name === 'toSorted'
    ? `${name}() without a comparison orders by UTF-16 units`
    : undefined
}

/** A plain object as a map has keys that it was never given, such as `__proto__`. A read-only table is no map. */
function recordUse(node: ts.Node): Verdict {
  const rule = 'a plain object is used as a map: use Map'
  if (ts.isIndexSignatureDeclaration(node)) {
    const readonly = node.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.ReadonlyKeyword)
    return readonly ? undefined : rule
  }
  if (!ts.isTypeReferenceNode(node) || !ts.isIdentifier(node.typeName) || node.typeName.text !== 'Record')
    return undefined
  const key = node.typeArguments?.[0]
  const open = key !== undefined && (key.kind === ts.SyntaxKind.StringKeyword || ts.isTypeReferenceNode(key))
  const { parent } = node
  const frozen =
    ts.isTypeReferenceNode(parent) && ts.isIdentifier(parent.typeName) && parent.typeName.text === 'Readonly'
  return open && !frozen && !ts.isSatisfiesExpression(parent) && !ts.isAsExpression(parent) ? rule : undefined
}

/** Two nodes of a simulation share what a module keeps. */
function moduleState(statement: ts.Statement, report: (node: ts.Node, rule: string) => void): void {
  const rule = 'state is kept at the level of the module'
  if (ts.isVariableStatement(statement)) {
    const constant = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0
    for (const declaration of statement.declarationList.declarations) {
      const fixed = declaration.type !== undefined && !isContainerType(declaration.type)
      if (!constant || (!fixed && isEmptyContainer(declaration.initializer))) report(declaration, rule)
    }
  }
  if (!ts.isClassDeclaration(statement)) return
  for (const member of statement.members) {
    if (!ts.isPropertyDeclaration(member)) continue
    const kinds = (member.modifiers ?? []).map((modifier) => modifier.kind)
    const changes = !kinds.includes(ts.SyntaxKind.ReadonlyKeyword) || isEmptyContainer(member.initializer)
    if (kinds.includes(ts.SyntaxKind.StaticKeyword) && changes) report(member, rule)
  }
}

/** A type that says nothing of being filled promises to stay as it is. */
function isContainerType(type: ts.TypeNode): boolean {
  return ts.isArrayTypeNode(type) || /^(Map|Set|WeakMap|WeakSet|Array|Record)</.test(type.getText())
}

/** Something that is made empty is made to be filled. */
function isEmptyContainer(node: ts.Expression | undefined): boolean {
  if (node === undefined) return false
  if (ts.isArrayLiteralExpression(node)) return node.elements.length === 0
  if (ts.isObjectLiteralExpression(node)) return node.properties.length === 0
  if (!ts.isNewExpression(node) || !ts.isIdentifier(node.expression)) return false
  return /^(Map|Set|WeakMap|WeakSet|Array)$/.test(node.expression.text) && (node.arguments?.length ?? 0) === 0
}
