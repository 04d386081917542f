import { KvCommand } from '../base-command.ts'
import { VERSION } from '../version.ts'

interface VersionResult {
  version: string
  node: string
  platform: string
}

export default class Version extends KvCommand {
  static override summary = 'Print the version of kv.'
  static override description = 'Also: kv --version.'
  static override examples = [
    { description: 'The version:', command: '<%= config.bin %> version' },
    {
      description: 'With that of Node.js and the platform, for a bug report:',
      command: '<%= config.bin %> version --json',
    },
  ]

  async run(): Promise<VersionResult> {
    await this.parse(Version)
    if (!this.jsonEnabled()) this.print(VERSION)
    return { version: VERSION, node: process.version, platform: `${process.platform}-${process.arch}` }
  }
}
