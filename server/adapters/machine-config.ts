import { readFileSync } from 'node:fs'
import { homedir, hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { MIN_SECRET_BYTES, type NodeConfig, SECRET_VARIABLE, SETTINGS } from '../../shared/config.ts'
import type { NodeArguments } from '../../shared/config-arguments.ts'
import { parseConfigFile } from '../../shared/config-file.ts'
import { type ResolvedConfig, resolveConfig } from '../../shared/config-resolve.ts'
import { KvError } from '../../shared/errors.ts'

/** The settings of a node and the secret of its cluster. */
export interface MachineConfig {
  readonly config: NodeConfig
  /** Empty where there is none: then no peer is accepted and no beacon believed. */
  readonly secret: Buffer
}

/**
 * Reads the config file (--config or KV_CONFIG) and the secret, and asks the machine what defaults are made from.
 * @throws KvError `usage` naming the place of what is wrong.
 */
export async function readMachineConfig(
  { flags, configFile }: NodeArguments,
  env: NodeJS.ProcessEnv,
): Promise<MachineConfig> {
  const path = configFile ?? (env.KV_CONFIG || undefined)
  const file =
    path === undefined ? new Map() : await parseConfigFile(path, readText(path, 'the config file'), SETTINGS)
  const home = env.KV_HOME || join(homedir(), '.kvring')
  const machine = { hostName: hostname(), home, address: ownAddress() }
  const { config, secret } = resolveConfig({ flags, env, file, machine })
  return { config, secret: readSecret(secret, env) }
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new KvError(
      'usage',
      `${what} cannot be read: ${(error as Error).message}`,
      'check its path and its permissions',
    )
  }
}

function readSecret(source: ResolvedConfig['secret'], env: NodeJS.ProcessEnv): Buffer {
  if (source.from === 'none') return Buffer.alloc(0)
  const text =
    source.from === 'file' ? readText(source.path, 'the secret file') : (env[SECRET_VARIABLE] ?? '')
  const secret = Buffer.from(text.trim(), 'utf8')
  if (secret.length >= MIN_SECRET_BYTES) return secret
  const where = source.from === 'file' ? source.path : SECRET_VARIABLE
  throw new KvError(
    'usage',
    `the cluster secret in ${where} has under ${MIN_SECRET_BYTES} bytes`,
    'make one: openssl rand -hex 32',
  )
}

function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}
