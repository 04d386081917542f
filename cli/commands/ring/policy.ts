import { Args } from '@oclif/core'
import type { PolicyResult } from '../../../shared/api.ts'
import { KvCommand } from '../../base-command.ts'

type Policy = PolicyResult['conflicts']

const MEANING: Record<Policy, string> = {
  lww: 'of concurrent writes readers see the latest one',
  siblings: 'of concurrent writes readers get all, until a write resolves them',
}

export default class RingPolicy extends KvCommand {
  static override summary = 'Show, or change, what becomes of concurrent writes.'
  static override description =
    `"lww": readers see the latest of writes that did not know of each other. "siblings": they get all of them, and a write that carries the context of that read resolves them.

The policy may be changed while the ring is in use, in both directions: a majority of its members decides it, and nothing on the disks is converted. After a change to "lww" the other values of a key stay, unseen, until the key is written. A node that was out of reach goes by the new policy as soon as it hears of it, and takes nothing from the others before.`
  static override examples = [
    { description: 'Which is it?', command: '<%= config.bin %> ring policy' },
    {
      description: 'Keep all concurrent writes from now on:',
      command: '<%= config.bin %> ring policy siblings',
    },
  ]
  static override args = {
    policy: Args.string({ description: 'The policy from now on.', options: ['lww', 'siblings'] }),
  }

  async run(): Promise<PolicyResult> {
    const { args, flags } = await this.parse(RingPolicy)
    const client = await this.connect(flags)
    if (args.policy === undefined) {
      const { conflicts, version: layoutVersion } = await client.layout()
      if (!this.jsonEnabled()) this.print(`${conflicts}: ${MEANING[conflicts]}`)
      return { conflicts, layoutVersion, changed: false, waitingFor: [] }
    }
    const result = await client.changePolicy(args.policy as Policy)
    if (!this.jsonEnabled()) this.show(result)
    return result
  }

  private show({ conflicts, layoutVersion, changed, waitingFor }: PolicyResult): void {
    const now = changed ? 'from now on' : 'already'
    this.print(`${conflicts} ${now}, layout ${layoutVersion}: ${MEANING[conflicts]}`)
    if (waitingFor.length > 0) this.note(`not there yet: ${waitingFor.join(', ')}; see kv ring status`)
  }
}
