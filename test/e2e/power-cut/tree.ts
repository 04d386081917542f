import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** Files by their path below a root, `undefined` for directories; a directory comes before what is in it. */
export type Tree = ReadonlyMap<string, Buffer | undefined>

export function readTree(root: string): Tree {
  const tree = new Map<string, Buffer | undefined>()
  const visit = (directory: string): void => {
    for (const entry of readdirSync(path.join(root, directory), { withFileTypes: true })) {
      const name = path.join(directory, entry.name)
      if (entry.isDirectory()) {
        tree.set(name, undefined)
        visit(name)
      } else tree.set(name, readFileSync(path.join(root, name)))
    }
  }
  visit('')
  return tree
}

/** Makes the directory what the tree says, and nothing else. */
export function writeTree(root: string, tree: Tree): void {
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  for (const [name, content] of tree) {
    if (content === undefined) mkdirSync(path.join(root, name))
    else writeFileSync(path.join(root, name), content)
  }
}
