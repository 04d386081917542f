import path from 'node:path'
import { Flags } from '@oclif/core'
import { parseDuration } from '../../shared/duration.ts'
import { KvCommand } from '../base-command.ts'
import { changeContexts } from '../change-contexts.ts'
import { onInterrupt } from '../interrupt.ts'
import { DEFAULT_RING, ringNamed } from '../local-ring/find-ring.ts'
import { watchRing } from '../local-ring/foreground.ts'
import type { LocalRing, LocalRingResult } from '../local-ring/local-ring.ts'
import { isUp, type RingState } from '../local-ring/ring-state.ts'
import { type StartOutcome, startRing } from '../local-ring/start-ring.ts'
import { invocation } from '../render/invocation.ts'
import { localRingTable, whatNext } from '../render/local-ring.ts'

const DEFAULT_PATIENCE_MS = 60_000

export default class Up extends KvCommand {
  static override summary = 'Start a ring of several nodes on this machine, and work with it from now on.'
  static override description =
    `Each node is a process of its own on 127.0.0.1. They find each other by UDP beacons, keep their data under KV_HOME, and go on when this command ends; kv down stops them. Faults can be injected into them: kv chaos.

A ring that was stopped is started again with its data. For one that is up nothing is changed.`
  static override examples = [
    { description: 'Five nodes:', command: '<%= config.bin %> up' },
    {
      description: 'A second ring, of three nodes that keep concurrent values for the reader to merge:',
      command: '<%= config.bin %> up -n 3 --name merging --conflicts siblings',
    },
    {
      description: 'Until Ctrl-C, which stops the nodes:',
      command: '<%= config.bin %> up --foreground',
    },
  ]
  static override flags = {
    nodes: Flags.integer({ char: 'n', summary: 'How many nodes; 5 for a new ring.', min: 1, max: 50 }),
    name: Flags.string({ summary: 'Name of the ring, and of its context.', default: DEFAULT_RING }),
    data: Flags.string({
      summary: 'Directory for the data, one directory in it for each node.',
      helpValue: 'DIR',
    }),
    conflicts: Flags.option({
      options: ['lww', 'siblings'] as const,
      summary: 'Of concurrent writes the last one wins (lww, for a new ring), or all are kept.',
    })(),
    foreground: Flags.boolean({ summary: 'Stay, and stop the nodes on Ctrl-C.' }),
  }

  async run(): Promise<LocalRingResult | undefined> {
    const { flags } = await this.parse(Up)
    const ring = ringNamed(flags.name, { env: process.env, root: this.config.root })
    const patienceMs =
      flags.timeout === undefined ? DEFAULT_PATIENCE_MS : parseDuration(flags.timeout, '--timeout')
    const wishes = { count: flags.nodes, dataDir: flags.data, conflicts: flags.conflicts }
    const interruption = new AbortController()
    onInterrupt(() => interruption.abort())
    const { state, started } = await this.start(ring, wishes, patienceMs, interruption.signal)
    const result = ring.describe(state)
    if (!flags.foreground) {
      if (!this.jsonEnabled()) this.show(ring, state, started)
      return result
    }
    if (this.jsonEnabled()) this.logJson(result)
    else {
      this.show(ring, state, started)
      this.print(`\n${whatNext(state, invocation())}`)
    }
    await watchRing(ring, (text) => this.note(text), interruption.signal)
    return undefined
  }

  private async start(
    ring: LocalRing,
    wishes: Parameters<typeof startRing>[1],
    patienceMs: number,
    signal: AbortSignal,
  ): Promise<StartOutcome> {
    const waiting = (): void => this.note('another command is changing this ring; waiting for it')
    try {
      return await ring.exclusively(async () => {
        if (!ring.state()?.nodes.some(isUp)) this.note(`starting the ring "${ring.name}" ...`)
        const outcome = await startRing(ring, wishes, { patienceMs, signal })
        const endpoints = ring.describe(outcome.state).nodes.map((node) => node.http)
        const context = { endpoints, localRing: ring.settings.directory }
        await changeContexts(process.env, (contexts) => contexts.put(ring.name, context))
        return outcome
      }, waiting)
    } catch (thrown) {
      if (signal.aborted) this.exit(130)
      throw thrown
    }
  }

  private show(ring: LocalRing, state: RingState, started: boolean): void {
    const down = state.nodes.filter((node) => !isUp(node)).map((node) => node.id)
    this.note(started ? `the ring "${ring.name}" is up` : `the ring "${ring.name}" is up already`)
    this.print(localRingTable(state))
    if (down.length > 0) {
      this.note(
        `${down.join(', ')} ${down.length === 1 ? 'does' : 'do'} not run; start: kv chaos restart ${down.join(' ')}`,
      )
    }
    this.note(`logs: ${path.join(ring.settings.directory, 'logs')}`)
  }
}
