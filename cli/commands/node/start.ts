import { existsSync } from 'node:fs'
import path from 'node:path'
import { Flags } from '@oclif/core'
import { SETTINGS } from '../../../shared/config.ts'
import { KvError } from '../../../shared/errors.ts'
import { allowedOf, flagOf, type Setting, variableOf } from '../../../shared/setting.ts'
import { KvCommand } from '../../base-command.ts'
import { handOver } from '../../handover.ts'
import { defaultInterrupt } from '../../interrupt.ts'

export default class NodeStart extends KvCommand {
  static override summary = 'Run one node in the foreground, until SIGTERM or Ctrl-C.'
  static override description =
    `For machines, containers and service managers; for a ring on this machine see kv up. Once it listens it prints one line of JSON on stdout; its log goes to stderr. SIGTERM lets it finish what is under way, and exits 0.

Each setting is a flag, an environment variable, or a key of a config file, in that order. The secret that the nodes of a ring share is never a flag: put it into KV_CLUSTER_SECRET, or its path into --secret-file. Without it the node runs alone, on loopback.`
  static override examples = [
    {
      description: 'One node by itself:',
      command: '<%= config.bin %> node start --id n1 --data ./n1',
    },
    {
      description:
        'One of three that find each other by UDP and found a ring; with --host also over a network:',
      command: '<%= config.bin %> node start --id n1 --data ./n1 --bootstrap-expect 3 --secret-file ./secret',
    },
    { description: 'With a config file:', command: '<%= config.bin %> node start --config node.yaml' },
  ]
  static override flags = {
    config: Flags.string({
      summary: 'YAML or JSON file with settings; environment variable KV_CONFIG.',
      helpValue: 'FILE',
    }),
    ...Object.fromEntries(SETTINGS.map((setting) => [flagOf(setting), settingFlag(setting)])),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(NodeStart)
    const given = new Map(Object.entries(flags as Record<string, unknown>))
    const program = path.join(this.config.root, 'dist', 'server', 'main.js')
    if (!existsSync(program))
      throw new KvError('internal', 'the server has not been built', 'run: npm run build')
    const names = ['config', ...SETTINGS.map(flagOf)].filter((name) => given.has(name))
    const argv = names.map((name) => argumentOf(name, given.get(name)))
    // In this very process: whoever started it, or kills it, means the node.
    process.argv = [process.execPath, program, ...argv, ...(this.jsonEnabled() ? ['--json'] : [])]
    process.stdout.removeAllListeners('error')
    defaultInterrupt()
    handOver(program)
  }
}

function settingFlag(setting: Setting) {
  const { kind, default: value, defaultFormula = String(value) } = setting
  const described = defaultFormula === '' ? 'none' : defaultFormula
  const summary = `${setting.meaning} Default: ${described}.`
  const description = `${allowedOf(kind)}; environment variable ${variableOf(setting)}`
  const common = { summary, description, helpGroup: 'SETTING' }
  if (kind.type === 'switch') return Flags.boolean({ ...common, allowNo: true })
  return Flags.string({ ...common, helpValue: helpValue(setting) })
}

function helpValue({ kind, unit }: Setting): string {
  if (kind.type === 'choice') return kind.choices.join('|')
  if (kind.type === 'list') return 'A,B,...'
  if (kind.type === 'integer') return unit === undefined ? 'N' : unit.toUpperCase()
  return 'TEXT'
}

/** In one word, so that a value that begins with a dash stays one. */
function argumentOf(name: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? `--${name}` : `--no-${name}`
  return `--${name}=${String(value)}`
}
