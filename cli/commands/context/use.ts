import { argument, KvCommand } from '../../base-command.ts'
import { changeContexts } from '../../change-contexts.ts'
import { ContextStore, kvHome } from '../../context.ts'

interface ContextUseResult {
  current: string
  endpoints: readonly string[]
}

export default class ContextUse extends KvCommand {
  static override summary = 'Choose the ring that commands go to from now on.'
  static override description = 'For a single command, --context or KV_CONTEXT does the same.'
  static override examples = [
    { description: 'Work with the ring of kv up:', command: '<%= config.bin %> context use local' },
    { description: 'For a script:', command: '<%= config.bin %> context use local --json' },
  ]
  static override args = { name: argument('Name of the context.') }

  async run(): Promise<ContextUseResult> {
    const { args } = await this.parse(ContextUse)
    // A name that is not there leaves no trace, not even the directory of a lock.
    const { endpoints } = new ContextStore(kvHome(process.env)).get(args.name)
    const waiting = (): void => this.note('another command is changing the contexts; waiting for it')
    await changeContexts(process.env, (contexts) => contexts.use(args.name), waiting)
    this.note(`using ${args.name}: ${endpoints.join(' ')}`)
    return { current: args.name, endpoints }
  }
}
