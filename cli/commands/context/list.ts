import { KvCommand } from '../../base-command.ts'
import { ContextStore, kvHome } from '../../context.ts'

interface ContextListResult {
  contexts: { name: string; current: boolean; endpoints: readonly string[] }[]
}

export default class ContextList extends KvCommand {
  static override summary = 'List the rings that have a name here.'
  static override description =
    'kv up adds one for the ring that it starts. They are kept in contexts.json under KV_HOME.'
  static override examples = [
    { description: 'All contexts; * marks the current one:', command: '<%= config.bin %> context list' },
    { description: 'For a script:', command: '<%= config.bin %> context list --json' },
  ]

  async run(): Promise<ContextListResult> {
    await this.parse(ContextList)
    const store = new ContextStore(kvHome(process.env))
    const current = store.current()
    const contexts = [...store.all()].map(([name, { endpoints }]) => ({
      name,
      current: name === current,
      endpoints,
    }))
    if (!this.jsonEnabled()) {
      for (const one of contexts)
        this.print(`${one.current ? '*' : ' '} ${one.name}  ${one.endpoints.join(' ')}`)
      if (contexts.length === 0) this.note('there are no contexts yet; kv up makes one')
    }
    return { contexts }
  }
}
