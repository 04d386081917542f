import path from 'node:path'
import { withLock } from './bin/lock.js'
import { ContextStore, kvHome } from './context.ts'
import { makeDurably } from './durable-file.ts'

/**
 * Changes the named rings of the user: one command at a time, lest one undoes what another does.
 * `onWait` is called once where another command is at it.
 */
export async function changeContexts(
  env: NodeJS.ProcessEnv,
  change: (contexts: ContextStore) => void,
  onWait?: () => void,
): Promise<void> {
  const home = kvHome(env)
  makeDurably(home)
  await withLock(path.join(home, 'contexts.lock'), async () => change(new ContextStore(home)), {
    ...(onWait && { onWait }),
  })
}
