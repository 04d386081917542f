import { Args, Flags } from '@oclif/core'
import { KvError } from '../../../shared/errors.ts'
import { ChaosCommand, type FaultResult, forFlag } from '../../chaos/chaos-command.ts'

export default class ChaosPartition extends ChaosCommand {
  static override summary = 'Cut groups of nodes off from each other.'
  static override description =
    'A group is names with commas between: n1,n2. One group is cut off from all other nodes; two or more are cut off from each other. Clients reach every node as before.'
  static override examples = [
    {
      description: 'Two nodes on one side, all others on the other:',
      command: '<%= config.bin %> chaos partition n1,n2 --for 30s',
    },
    {
      description: 'Three islands:',
      command: '<%= config.bin %> chaos partition n1,n2 n3 n4,n5 --for 30s',
    },
    {
      description: 'n1 hears the others, and is not heard:',
      command: '<%= config.bin %> chaos partition n1 --one-way --for 30s',
    },
  ]
  static override strict = false
  static override args = {
    group: Args.string({ description: 'Groups of nodes.', required: true, ignoreStdin: true }),
  }
  static override usage = 'chaos partition GROUP...'
  static override flags = {
    'one-way': Flags.boolean({ summary: 'Only what the first group sends to others is lost.' }),
    ...forFlag,
  }

  async run(): Promise<FaultResult> {
    const { argv, flags } = await this.parse(ChaosPartition)
    const groups = argv.map((group) => parseGroup(String(group)))
    const nodes = groups.flat()
    const twice = nodes.find((id, i) => nodes.indexOf(id) !== i)
    if (twice !== undefined)
      throw new KvError('usage', `${twice} is named twice`, 'a node is in one group at the most')
    const untilMs = this.untilMs(flags.for)
    const faults = await this.ringFaults(flags)
    faults.checkNames(nodes)
    for (const group of groups) faults.checkCut(group)
    const oneWay = flags['one-way'] ? { oneWay: true } : {}
    return this.inject(flags, faults, { kind: 'partition', groups, ...oneWay, untilMs }, nodes)
  }
}

function parseGroup(text: string): string[] {
  const ids = text
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '')
  if (ids.length === 0) throw new KvError('usage', 'a group is empty', 'write for example n1,n2')
  return ids
}
