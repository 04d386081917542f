import { Config, Help } from '@oclif/core'
import { KvError } from '../shared/errors.ts'
import { commandPlugin, readManifest } from './command-plugin.ts'
import { resolveCommand } from './dispatch.ts'
import { printFailure, toFailure } from './failure.ts'
import { handedOverTo } from './handover.ts'
import { onInterrupt } from './interrupt.ts'

/**
 * Runs one command line and leaves its exit code in `process.exitCode`. Never rejects.
 * @returns the module that the process is to go on as, where the command has said so.
 */
export async function main(argv: readonly string[], root: string): Promise<string | undefined> {
  onInterrupt(() => process.exit(130))
  process.stdout.on('error', quietOnBrokenPipe)
  process.stderr.on('error', quietOnBrokenPipe)
  try {
    const plugin = commandPlugin(root, readManifest(root))
    const config = await Config.load({ root, pjson: plugin.pjson, plugins: new Map([[plugin.name, plugin]]) })
    const request = resolveCommand(argv, config)
    if (request.kind === 'help')
      await new Help(config, plugin.pjson.oclif.helpOptions ?? {}).showHelp(request.words)
    else await config.runCommand(request.id, request.argv)
  } catch (thrown) {
    const failure = toFailure(thrown)
    if (failure) process.exitCode = printFailure(failure, argv.includes('--json'))
  }
  return handedOverTo()
}

/** Whoever read the output has gone (`kv scan | head`): there is nobody left to tell anything. */
function quietOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit()
  throw new KvError('internal', `the output cannot be written: ${error.message}`)
}
