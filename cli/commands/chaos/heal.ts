import { KvError } from '../../../shared/errors.ts'
import { nearest } from '../../../shared/nearest.ts'
import { optionalArgument } from '../../base-command.ts'
import { ChaosCommand } from '../../chaos/chaos-command.ts'
import { currentFaults } from '../../chaos/current-faults.ts'
import { endPauses } from '../../local-ring/node-control.ts'

interface HealResult {
  /** Ids of the faults that were in force. */
  healed: string[]
  /** Nodes that were not reached; what they know heals by itself in time. */
  missed: string[]
}

export default class ChaosHeal extends ChaosCommand {
  static override summary = 'End a fault, or all of them.'
  static override description =
    'Partitions and links are mended, paused nodes go on. Nodes that were killed stay so: kv chaos restart starts them.'
  static override examples = [
    { description: 'Everything:', command: '<%= config.bin %> chaos heal' },
    {
      description: 'One fault, by its id from kv chaos status:',
      command: '<%= config.bin %> chaos heal partition-5d41a0',
    },
  ]
  static override args = { id: optionalArgument('Of the fault; all are healed if left out.') }

  async run(): Promise<HealResult> {
    const { args, flags } = await this.parse(ChaosHeal)
    const ring = await this.ringInUse(flags)
    const network = await this.ringFaults(flags)
    const all = await currentFaults(network, ring)
    const chosen = all.filter((fault) => fault.id === (args.id ?? fault.id))
    if (args.id !== undefined && chosen.length === 0)
      throw unknownFault(
        args.id,
        all.map((fault) => fault.id),
      )
    const killed = chosen.filter((fault) => fault.kind === 'kill').flatMap((fault) => fault.nodes)
    if (args.id !== undefined && killed.length > 0)
      throw new KvError(
        'usage',
        `${killed} was killed, which does not heal`,
        `start it: kv chaos restart ${killed}`,
      )
    // The paused go on first, so that they can be told.
    if (chosen.some((fault) => fault.kind === 'pause'))
      await ring?.exclusively(
        async () => void endPauses(ring, (pause) => args.id === undefined || pause.id === args.id),
      )
    const faulty = chosen.filter((fault) => fault.kind === 'partition' || fault.kind === 'link')
    const { missed } = faulty.length > 0 ? await (await this.ringFaults(flags)).heal(args.id) : { missed: [] }
    await this.remember(flags, (known) =>
      known.filter((rule) => args.id !== undefined && rule.id !== args.id),
    )
    const healed = chosen.filter((fault) => fault.kind !== 'kill').map((fault) => fault.id)
    this.note(healed.length === 0 ? 'no faults are in force' : `healed: ${healed.join(', ')}`)
    if (missed.length > 0) this.note(`not reached: ${missed.join(', ')}`)
    if (killed.length > 0)
      this.note(`still killed: ${killed.join(', ')}; start: kv chaos restart ${killed.join(' ')}`)
    return { healed, missed: [...missed] }
  }
}

function unknownFault(id: string, known: readonly string[]): KvError {
  const guess = nearest(id, known)
  return new KvError(
    'not_found',
    `there is no fault ${id}`,
    guess === undefined ? 'list them: kv chaos status' : `did you mean ${guess}?`,
  )
}
