import { readdirSync } from 'node:fs'
import path from 'node:path'
import { KvError } from '../../shared/errors.ts'
import { ContextStore, kvHome } from '../context.ts'
import { resolveSettings, type SettingFlags } from '../settings.ts'
import { LocalRing } from './local-ring.ts'
import { httpOf } from './ring-state.ts'

/** Where local rings are looked for. */
export interface Place {
  readonly env: NodeJS.ProcessEnv
  /** The directory of the package. */
  readonly root: string
}

export const DEFAULT_RING = 'local'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** @throws KvError `usage` where no ring can have that name. */
export function ringNamed(name: string, { env, root }: Place): LocalRing {
  if (!NAME.test(name)) {
    const allowed = '1 to 63 letters, digits, dots, dashes or underscores'
    throw new KvError('usage', `a ring cannot be named ${JSON.stringify(name)}`, allowed)
  }
  const directory = path.join(ringsDirectory(env), name)
  return new LocalRing({ directory, name, program: path.join(root, 'dist', 'server', 'main.js'), env })
}

/** The ring that commands go to, where kv up has started it on this machine; undefined where others run it. */
export async function ringInUse(flags: SettingFlags, place: Place): Promise<LocalRing | undefined> {
  const { env } = place
  const { context, endpoints } = await resolveSettings(flags, env, process.cwd())
  if (context !== undefined) {
    const { localRing } = new ContextStore(kvHome(env)).get(context)
    return localRing === undefined ? undefined : ringNamed(path.basename(localRing), place)
  }
  const wanted = new Set(endpoints.map((endpoint) => endpoint.replace(/\/+$/, '')))
  return ringNames(env)
    .map((name) => ringNamed(name, place))
    .find((ring) => ring.state()?.nodes.some((node) => wanted.has(httpOf(node))))
}

/** @throws KvError `usage` where the ring's processes are not those of kv up. */
export async function expectLocalRing(flags: SettingFlags, place: Place): Promise<LocalRing> {
  const ring = await ringInUse(flags, place)
  if (ring?.state()) return ring
  throw new KvError(
    'usage',
    'this ring was not started by kv up on this machine, so its processes are not known',
    'start one with kv up, or choose one: kv context list',
  )
}

function ringNames(env: NodeJS.ProcessEnv): string[] {
  try {
    return readdirSync(ringsDirectory(env)).filter((name) => NAME.test(name))
  } catch {
    return []
  }
}

function ringsDirectory(env: NodeJS.ProcessEnv): string {
  return path.join(kvHome(env), 'rings')
}
