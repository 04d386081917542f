import { Help as HelpPages } from '@oclif/core'
import { KvCommand } from '../base-command.ts'
import { resolveCommand } from '../dispatch.ts'

export default class Help extends KvCommand {
  static override summary = 'Explain a command.'
  static override description = 'Without a command: list them all.'
  static override examples = [
    { description: 'All commands:', command: '<%= config.bin %> help' },
    { description: 'One of them:', command: '<%= config.bin %> help set' },
  ]
  static override strict = false
  static override usage = 'help [COMMAND]'

  async run(): Promise<void> {
    const { argv } = await this.parse(Help)
    const words = argv.map(String)
    const request = resolveCommand([...words, '--help'], this.config)
    await new HelpPages(this.config, this.config.pjson.oclif.helpOptions ?? {}).showHelp(
      request.kind === 'help' ? request.words : words,
    )
  }
}
