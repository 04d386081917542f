import type { Command } from '@oclif/core'

type CommandModule = () => Promise<{ readonly default: Command.Class }>

/**
 * Every command: its id (words joined by `:`) and its module under commands/, loaded when it is run.
 * A new command is a file there with a default-exported class, and a line here.
 */
export const COMMANDS: ReadonlyMap<string, CommandModule> = new Map<string, CommandModule>([
  ['chaos:end-pause', () => import('./commands/chaos/end-pause.ts')],
  ['chaos:heal', () => import('./commands/chaos/heal.ts')],
  ['chaos:kill', () => import('./commands/chaos/kill.ts')],
  ['chaos:link', () => import('./commands/chaos/link.ts')],
  ['chaos:partition', () => import('./commands/chaos/partition.ts')],
  ['chaos:pause', () => import('./commands/chaos/pause.ts')],
  ['chaos:restart', () => import('./commands/chaos/restart.ts')],
  ['chaos:status', () => import('./commands/chaos/status.ts')],
  ['completion', () => import('./commands/completion.ts')],
  ['context:list', () => import('./commands/context/list.ts')],
  ['context:show', () => import('./commands/context/show.ts')],
  ['context:use', () => import('./commands/context/use.ts')],
  ['count', () => import('./commands/count.ts')],
  ['del', () => import('./commands/del.ts')],
  ['demo', () => import('./commands/demo.ts')],
  ['down', () => import('./commands/down.ts')],
  ['exists', () => import('./commands/exists.ts')],
  ['export', () => import('./commands/export.ts')],
  ['get', () => import('./commands/get.ts')],
  ['help', () => import('./commands/help.ts')],
  ['hints:list', () => import('./commands/hints/list.ts')],
  ['hints:replay', () => import('./commands/hints/replay.ts')],
  ['import', () => import('./commands/import.ts')],
  ['key:diff', () => import('./commands/key/diff.ts')],
  ['key:explain', () => import('./commands/key/explain.ts')],
  ['key:repair', () => import('./commands/key/repair.ts')],
  ['node:info', () => import('./commands/node/info.ts')],
  ['node:list', () => import('./commands/node/list.ts')],
  ['node:start', () => import('./commands/node/start.ts')],
  ['repair:pause', () => import('./commands/repair/pause.ts')],
  ['repair:resume', () => import('./commands/repair/resume.ts')],
  ['repair:start', () => import('./commands/repair/start.ts')],
  ['repair:status', () => import('./commands/repair/status.ts')],
  ['ring:locate', () => import('./commands/ring/locate.ts')],
  ['ring:status', () => import('./commands/ring/status.ts')],
  ['scan', () => import('./commands/scan.ts')],
  ['scrub:start', () => import('./commands/scrub/start.ts')],
  ['scrub:status', () => import('./commands/scrub/status.ts')],
  ['tombstones:stats', () => import('./commands/tombstones/stats.ts')],
  ['set', () => import('./commands/set.ts')],
  ['siblings:resolve', () => import('./commands/siblings/resolve.ts')],
  ['siblings:show', () => import('./commands/siblings/show.ts')],
  ['up', () => import('./commands/up.ts')],
  ['version', () => import('./commands/version.ts')],
])
