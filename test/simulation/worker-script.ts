import { build } from 'esbuild'

/**
 * The worker of a source tree as one script, made of the sources as they are now. It starts and runs faster than
 * under tsx, which compiles file by file and has each function given its name whenever it is created. Stacks lead
 * back to the sources.
 * @param root the source tree; packages are imported from its node_modules.
 * @throws Error of esbuild for sources that do not compile.
 */
export async function workerScript(root: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['test/simulation/worker.ts'],
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
