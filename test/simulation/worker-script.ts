import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

/** The sources of a simulator: those of a tree, but for some that are others. */
export interface Sources {
  readonly root: string
  /** By their paths in the tree. */
  readonly changed?: ReadonlyMap<string, string>
}

/**
 * The worker as one script, made of the sources as they are now. It starts and runs faster than under tsx, which
 * compiles file by file and has each function given its name whenever it is created. Stacks lead back to the sources.
 * @throws Error of esbuild for sources that do not compile, or for a changed one that the worker does not have.
 */
export async function workerScript(sources: Sources): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: sources.root,
    entryPoints: ['test/simulation/worker.ts'],
    plugins: [changes(sources)],
    // Where the script would be: it is never written, but its stacks are told from there.
    outfile: 'worker.js',
    write: false,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
  })
  return (outputFiles[0] as { text: string }).text
}

function changes({ root, changed = new Map() }: Sources): Plugin {
  const left = new Map<string, string>()
  for (const [file, contents] of changed) left.set(join(root, file), contents)
  return {
    name: 'changes',
    setup({ onLoad, onEnd }) {
      if (left.size === 0) return
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = left.get(path)
        left.delete(path)
        return contents === undefined ? undefined : { contents, loader: 'ts' }
      })
      onEnd(() => ({
        errors: [...left.keys()].map((file) => ({ text: `${file} is no part of the worker` })),
      }))
    },
  }
}
