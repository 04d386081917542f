import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Command, type Interfaces, Plugin } from '@oclif/core'
import pjson from '../package.json' with { type: 'json' }
import { KvError } from '../shared/errors.ts'
import { COMMANDS } from './catalog.ts'
import { VERSION } from './version.ts'

const oclif = pjson.oclif as unknown as Interfaces.OclifConfiguration
const PJSON = { ...pjson, oclif } as unknown as Interfaces.PJSON

/**
 * All commands of the manifest as the one plugin of oclif's Config. Handed over ready-made, it spares oclif the
 * search for plugins and files; the module of a command is loaded only when that command runs.
 */
export function commandPlugin(root: string, manifest: Interfaces.Manifest): Interfaces.Plugin {
  const topics = Object.entries(oclif.topics ?? {}).map(([name, topic]) => ({ ...topic, name }))
  const plugin: Pick<Interfaces.Plugin, 'name' | 'root' | 'pjson' | 'commands' | 'topics' | 'hooks'> = {
    name: pjson.name,
    root,
    pjson: PJSON,
    topics,
    hooks: {},
    commands: Object.values(manifest.commands).map((command) => ({
      ...command,
      load: () => loadCommand(command.id),
      pluginAlias: pjson.name,
      pluginType: 'core',
    })),
  }
  const rest = {
    alias: pjson.name,
    version: VERSION,
    type: 'core',
    valid: true,
    isRoot: true,
    commandIDs: Object.keys(manifest.commands),
  }
  return { ...plugin, ...rest } as unknown as Interfaces.Plugin
}

async function loadCommand(id: string): Promise<Command.Class> {
  const load = COMMANDS.get(id)
  if (!load)
    throw new KvError('internal', `the manifest names a command ${id} that is not there`, 'npm run build')
  const command = (await load()).default
  command.id = id
  return command
}

/** @throws KvError `internal` where the build has not made it. */
export function readManifest(root: string): Interfaces.Manifest {
  const file = path.join(root, 'oclif.manifest.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Interfaces.Manifest
  } catch (thrown) {
    throw new KvError(
      'internal',
      `${file} cannot be read: ${(thrown as Error).message}`,
      'run: npm run build',
    )
  }
}

/** The content of oclif.manifest.json, from the classes of all commands. */
export async function makeManifest(root: string): Promise<Interfaces.Manifest> {
  const commandCache: Record<string, Command.Class> = {}
  for (const id of COMMANDS.keys()) commandCache[id] = await loadCommand(id)
  const options = { ignoreManifest: true, errorOnManifestCreate: true, respectNoCacheDefault: true }
  const plugin = new Plugin({ root, isRoot: true, pjson: PJSON, ...options })
  // The classes are at hand, so oclif need not look for them in a file.
  Object.assign(plugin, { commandCache })
  await plugin.load()
  return plugin.manifest
}
