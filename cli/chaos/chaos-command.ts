import { randomBytes } from 'node:crypto'
import { Flags } from '@oclif/core'
import type { FaultRule } from '../../shared/api.ts'
import { parseDuration } from '../../shared/duration.ts'
import { KvError } from '../../shared/errors.ts'
import { KvCommand } from '../base-command.ts'
import { addressesOf, type NodeAddress } from '../every-node.ts'
import { expectLocalRing, type Place, ringInUse } from '../local-ring/find-ring.ts'
import type { LocalRing } from '../local-ring/local-ring.ts'
import { httpOf, isUp } from '../local-ring/ring-state.ts'
import type { SettingFlags } from '../settings.ts'
import { RingFaults } from './ring-faults.ts'

/** What `--json` says of a fault that was made. */
export interface FaultResult {
  id: string
  kind: string
  nodes: string[]
  /** ISO 8601; the fault heals by itself then. */
  until: string
  /** Nodes that could not be told. */
  missed: string[]
}

const LONGEST_MS = 24 * 3_600_000

export const forFlag = {
  for: Flags.string({
    summary: 'How long, 24h at the most; then it heals by itself.',
    helpValue: 'TIME',
    default: '10m',
  }),
}

/** What the commands that break a ring have in common. */
export abstract class ChaosCommand extends KvCommand {
  protected get place(): Place {
    return { env: process.env, root: this.config.root }
  }

  /** @throws KvError `usage` where the ring's processes are not those of kv up. */
  protected localRing(flags: SettingFlags): Promise<LocalRing> {
    return expectLocalRing(flags, this.place)
  }

  /** undefined where others run the ring. */
  protected ringInUse(flags: SettingFlags): Promise<LocalRing | undefined> {
    return ringInUse(flags, this.place)
  }

  protected async ringFaults(flags: SettingFlags): Promise<RingFaults> {
    const { timeoutMs } = await this.settings(flags)
    return new RingFaults(await this.nodes(flags), timeoutMs)
  }

  protected untilMs(text: string): number {
    const ms = parseDuration(text, '--for')
    if (ms > LONGEST_MS)
      throw new KvError('usage', `--for is too long: ${text}`, 'a fault lasts 24h at the most')
    return Date.now() + ms
  }

  /** Tells all nodes of a fault in the network. */
  protected async inject(
    flags: SettingFlags,
    faults: RingFaults,
    fault: Omit<FaultRule, 'id'>,
    nodes: readonly string[],
  ): Promise<FaultResult> {
    const rule = { id: faultId(fault.kind), ...fault }
    const { missed } = await faults.add(rule)
    await this.remember(flags, (known) => [...known, rule])
    if (missed.length > 0) this.note(`not reached: ${missed.join(', ')}; the others act on it alone`)
    const until = new Date(rule.untilMs).toISOString()
    this.note(`fault ${rule.id} until ${until}; sooner: kv chaos heal ${rule.id}`)
    return { id: rule.id, kind: rule.kind, nodes: [...nodes], until, missed: [...missed] }
  }

  /** Keeps the faults of a local ring in its state, without those that are over. */
  protected async remember(
    flags: SettingFlags,
    change: (known: readonly FaultRule[]) => readonly FaultRule[],
  ): Promise<void> {
    const ring = await this.ringInUse(flags)
    await ring?.exclusively(async () => {
      const state = ring.state()
      if (!state) return
      const inForce = state.faults.filter((rule) => rule.untilMs > Date.now())
      ring.save({ ...state, faults: change(inForce) })
    })
  }

  /** From the state file where there is one: it knows all nodes even while none of them answers. */
  private async nodes(flags: SettingFlags): Promise<NodeAddress[]> {
    const state = (await this.ringInUse(flags))?.state()
    if (!state) return addressesOf(await (await this.connect(flags)).nodes())
    const paused = new Set(state.pauses.flatMap((pause) => pause.nodes))
    return state.nodes.map((node) => ({
      id: node.id,
      http: httpOf(node),
      up: isUp(node) && !paused.has(node.id),
    }))
  }
}

/** Short enough to type. */
export function faultId(kind: string): string {
  return `${kind}-${randomBytes(3).toString('hex')}`
}
