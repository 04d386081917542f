import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Edit, PlantedBug } from './planted-bug.ts'

/** What the simulator needs of a source tree. */
const COPIED = ['package.json', 'tsconfig.json', 'server', 'shared', 'test/simulation']

/**
 * A copy of the tree with the bug in it; `remove` deletes it.
 * @throws Error when the code that the bug changes is no longer there, or there more than once.
 */
export async function plant(
  root: string,
  bug: PlantedBug,
): Promise<{ root: string; remove(): Promise<void> }> {
  const copy = await mkdtemp(join(tmpdir(), 'kvring-bug-'))
  const remove = () => rm(copy, { recursive: true, force: true })
  try {
    for (const path of COPIED) await cp(join(root, path), join(copy, path), { recursive: true })
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    for (const edit of bug.edits) await apply(copy, edit, bug.name)
    return { root: copy, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function apply(root: string, edit: Edit, bug: string): Promise<void> {
  const path = join(root, edit.file)
  const source = await readFile(path, 'utf8')
  const found = source.split(edit.find).length - 1
  if (found !== 1) throw new Error(`the bug "${bug}" fits ${found} places of ${edit.file}, not one`)
  await writeFile(
    path,
    source.replace(edit.find, () => edit.replace),
  )
}
