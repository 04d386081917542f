import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sources } from '../worker-script.ts'
import type { PlantedBug } from './planted-bug.ts'

/**
 * The sources with the bug in them. The tree itself stays as it is.
 * @throws Error when the code that the bug changes is no longer there, or there more than once.
 */
export async function plant(root: string, bug: PlantedBug): Promise<Sources> {
  const changed = new Map<string, string>()
  for (const { file, find, replace } of bug.edits) {
    const source = changed.get(file) ?? (await readFile(join(root, file), 'utf8'))
    const found = source.split(find).length - 1
    if (found !== 1) throw new Error(`the bug "${bug.name}" fits ${found} places of ${file}, not one`)
    changed.set(
      file,
      source.replace(find, () => replace),
    )
  }
  return { root, changed }
}
