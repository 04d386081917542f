import { KvCommand } from '../../base-command.ts'
import type { Settings } from '../../settings.ts'

export default class ContextShow extends KvCommand {
  static override summary = 'Show which ring commands go to, and what says so.'
  static override description =
    'Settings come from: flag, then KV_ENDPOINT, KV_CONTEXT and KV_TIMEOUT, then kvring.json or kvring.yaml here or above, then config.json or config.yaml under KV_HOME and the current context, then the default.'
  static override examples = [
    { description: 'Where would a command go?', command: '<%= config.bin %> context show' },
    {
      description: 'And with this flag?',
      command: '<%= config.bin %> context show --endpoint http://127.0.0.1:7072 --json',
    },
  ]

  async run(): Promise<Settings> {
    const { flags } = await this.parse(ContextShow)
    const settings = await this.settings(flags)
    if (!this.jsonEnabled()) {
      this.print(`context    ${settings.context ?? '-'}`)
      this.print(`endpoints  ${settings.endpoints.join(' ')}  (from ${settings.endpointsFrom})`)
      this.print(`timeout    ${settings.timeoutMs} ms`)
    }
    return settings
  }
}
