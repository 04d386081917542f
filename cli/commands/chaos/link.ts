import { Flags } from '@oclif/core'
import type { FaultRule } from '../../../shared/api.ts'
import { parseDuration } from '../../../shared/duration.ts'
import { KvError } from '../../../shared/errors.ts'
import { argument } from '../../base-command.ts'
import { ChaosCommand, type FaultResult, forFlag } from '../../chaos/chaos-command.ts'

const probability = (summary: string) => Flags.string({ summary, helpValue: 'P' })
const time = (summary: string) => Flags.string({ summary, helpValue: 'TIME' })

export default class ChaosLink extends ChaosCommand {
  static override summary = 'Make the link from one node to another slow or unreliable.'
  static override description =
    'Only messages from FROM to TO are concerned; for both directions give the fault twice. A probability is a number from 0 to 1, or a percentage.'
  static override examples = [
    {
      description: 'Slow, and a tenth of the messages lost:',
      command: '<%= config.bin %> chaos link n1 n2 --latency 200ms --jitter 50ms --loss 10% --for 30s',
    },
    {
      description: 'Messages that come twice, and in another order:',
      command: '<%= config.bin %> chaos link n2 n3 --duplicate 0.2 --reorder 0.2 --for 30s',
    },
  ]
  static override args = {
    from: argument('The node that sends.'),
    to: argument('The node that receives.'),
  }
  static override flags = {
    latency: time('Added to the way of each message.'),
    jitter: time('Up to so much more, by chance.'),
    loss: probability('Probability that a message is lost.'),
    duplicate: probability('Probability that it arrives twice.'),
    reorder: probability('Probability that later ones overtake it.'),
    ...forFlag,
  }

  async run(): Promise<FaultResult> {
    const { args, flags } = await this.parse(ChaosLink)
    const { from, to } = args
    const effects = {
      ...effect('latencyMs', flags.latency, '--latency', parseDuration),
      ...effect('jitterMs', flags.jitter, '--jitter', parseDuration),
      ...effect('loss', flags.loss, '--loss', parseProbability),
      ...effect('duplicate', flags.duplicate, '--duplicate', parseProbability),
      ...effect('reorder', flags.reorder, '--reorder', parseProbability),
    }
    const untilMs = this.untilMs(flags.for)
    if (Object.keys(effects).length === 0) {
      const hint = 'give --latency, --jitter, --loss, --duplicate or --reorder'
      throw new KvError('usage', 'the fault does nothing', hint)
    }
    if (from === to) throw new KvError('usage', `a link leads from ${from} to itself`, 'name two nodes')
    const faults = await this.ringFaults(flags)
    faults.checkNames([from, to])
    return this.inject(flags, faults, { kind: 'link', from, to, ...effects, untilMs }, [from, to])
  }
}

function effect(
  name: keyof FaultRule,
  text: string | undefined,
  flag: string,
  parse: (text: string, what: string) => number,
): Partial<FaultRule> {
  return text === undefined ? {} : { [name]: parse(text, flag) }
}

function parseProbability(text: string, what: string): number {
  const match = /^(\d{1,3}(?:\.\d{1,9})?|\.\d{1,9})(%?)$/.exec(text)
  const value = Number(match?.[1]) / (match?.[2] === '%' ? 100 : 1)
  if (value >= 0 && value <= 1) return value
  throw new KvError('usage', `${what} is not a probability: ${text}`, 'write a number from 0 to 1, or 10%')
}
