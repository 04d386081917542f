import { ChaosCommand } from '../../chaos/chaos-command.ts'
import { currentFaults, type Fault } from '../../chaos/current-faults.ts'
import { formatDuration } from '../../render/duration.ts'
import { renderTable } from '../../render/table.ts'

export default class ChaosStatus extends ChaosCommand {
  static override summary = 'List the faults that are in force.'
  static override description =
    'Faults of the network, and nodes that were paused or killed. "until" is when a fault heals by itself; a killed node waits for kv chaos restart.'
  static override examples = [
    { description: 'What is broken?', command: '<%= config.bin %> chaos status' },
    { description: 'For a script:', command: '<%= config.bin %> chaos status --json' },
  ]

  async run(): Promise<{ faults: Fault[] }> {
    const { flags } = await this.parse(ChaosStatus)
    const faults = await currentFaults(await this.ringFaults(flags), await this.ringInUse(flags))
    if (!this.jsonEnabled()) this.print(faults.length === 0 ? 'no faults are in force' : faultTable(faults))
    return { faults }
  }
}

function faultTable(faults: readonly Fault[]): string {
  const rows = faults.map(({ id, kind, nodes, until }) => [id, kind, nodes.join(' '), ending(nodes, until)])
  return renderTable(['FAULT', 'KIND', 'NODES', 'HEALS'], rows)
}

function ending(nodes: readonly string[], until: string | null): string {
  if (until === null) return `kv chaos restart ${nodes.join(' ')}`
  return `in ${formatDuration(Math.max(0, Date.parse(until) - Date.now()))}`
}
