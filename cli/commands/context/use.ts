import { argument, KvCommand } from '../../base-command.ts'
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
    const store = new ContextStore(kvHome(process.env))
    store.use(args.name)
    const { endpoints } = store.get(args.name)
    this.note(`using ${args.name}: ${endpoints.join(' ')}`)
    return { current: args.name, endpoints }
  }
}
