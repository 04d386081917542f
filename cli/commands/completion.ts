import { Args } from '@oclif/core'
import { KvCommand } from '../base-command.ts'
import { completionScript, SHELLS } from '../render/completion.ts'

export default class Completion extends KvCommand {
  static override summary = 'Print a script that completes commands and flags in your shell.'
  static override description =
    'It completes from the commands of this version; print it anew after an update.'
  static override examples = [
    { description: 'For bash, in this session:', command: 'source <(<%= config.bin %> completion bash)' },
    {
      description: 'For fish, for good:',
      command: '<%= config.bin %> completion fish > ~/.config/fish/completions/kv.fish',
    },
    {
      description: 'For zsh, into a directory of $fpath:',
      command: '<%= config.bin %> completion zsh > _kv',
    },
  ]
  static override args = {
    shell: Args.string({
      description: 'Your shell.',
      options: [...SHELLS],
      required: true,
      ignoreStdin: true,
    }),
  }

  async run(): Promise<{ shell: string; script: string }> {
    const { args } = await this.parse(Completion)
    const shell = args.shell as (typeof SHELLS)[number]
    const commands = this.config.commands
      .filter((command) => !command.hidden)
      .map(({ id, summary = '', flags }) => ({
        words: id.split(':'),
        summary,
        flags: Object.values(flags).map((flag) => ({
          name: flag.name,
          summary: flag.summary ?? flag.description ?? '',
        })),
      }))
    const topics = new Map(this.config.topics.map(({ name, description = '' }) => [name, description]))
    const script = completionScript(shell, this.config.bin, commands, topics)
    if (!this.jsonEnabled()) this.print(script)
    return { shell, script }
  }
}
