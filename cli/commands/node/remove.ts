import { Flags } from '@oclif/core'
import type { RemovalResult } from '../../../shared/api.ts'
import { argument, KvCommand } from '../../base-command.ts'
import { ringInUse } from '../../local-ring/find-ring.ts'
import { retireNode } from '../../local-ring/retired-node.ts'
import { removalText } from '../../render/removal.ts'

export default class NodeRemove extends KvCommand {
  static override summary = 'Take a dead node out of the ring, for good.'
  static override description =
    `For a node that does not come back. Each of its slots gets another owner, which counts in no read before it holds what the other owners have: kv ring status tells how far that is. Hints that are kept for the node are handed to the new owners. What only that node had, such as a write that it acknowledged alone with w=1, is lost.

It cannot be undone: the ring never lets this id and its data directory in again.

Only a node that is down can be removed, and only while n nodes are left for the n copies of every key. While another node is out of reach, or is being filled, removing one more could lose acknowledged writes that only these two have: the ring refuses, unless --force gives those up; and where a key has one copy only, it always asks for that. A majority of the nodes decides. To remove a node that was removed already is no error.`
  static override examples = [
    { description: 'The machine of n4 is lost:', command: '<%= config.bin %> node remove n4' },
    {
      description: 'Another one is out of reach too, and what only these two have may be lost:',
      command: '<%= config.bin %> node remove n4 --force --json',
    },
  ]
  static override args = { id: argument('Name of the node.') }
  static override flags = {
    force: Flags.boolean({
      summary:
        'Also while another node is out of reach or being filled, or with one copy of a key, at the risk of acknowledged writes.',
    }),
  }

  async run(): Promise<RemovalResult> {
    const { args, flags } = await this.parse(NodeRemove)
    const local = await ringInUse(flags, { env: process.env, root: this.config.root })
    const client = await this.connect(flags)
    const result = await client.removeNode(args.id, flags.force)
    if (local) await retireNode(local, args.id)
    if (!this.jsonEnabled()) this.print(removalText(result))
    if (result.waitingFor.length > 0)
      this.note(`has not heard of it yet: ${result.waitingFor.join(', ')}; see kv ring status`)
    return result
  }
}
