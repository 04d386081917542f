import { Flags } from '@oclif/core'
import type { NodeClient } from '../../shared/client/node-client.ts'
import { KvCommand } from '../base-command.ts'
import { addressesOf, askEvery, expectAnswers } from '../every-node.ts'
import { unknownNode } from '../local-ring/node-control.ts'
import type { SettingFlags } from '../settings.ts'

/** What the nodes answered, in the order of the ring. */
export interface NodeAnswers<T> {
  nodes: T[]
  /** Nodes that were not reached: they do as before. */
  unreachable: string[]
}

export const nodeFlag = {
  node: Flags.string({
    summary: 'Only this node; give it several times for several.',
    helpValue: 'ID',
    multiple: true,
    multipleNonGreedy: true,
  }),
}

/** What the commands have in common that ask every node of the ring for itself. */
export abstract class RepairCommand extends KvCommand {
  /** @throws KvError `not_found` for a node that the ring does not have; `unreachable` where none answers. */
  protected async askNodes<T>(
    flags: SettingFlags & { node?: string[] | undefined },
    ask: (node: NodeClient) => Promise<T>,
  ): Promise<NodeAnswers<T>> {
    const { timeoutMs } = await this.settings(flags)
    const client = await this.connect(flags)
    const all = addressesOf(await client.nodes())
    const known = all.map(({ id }) => id)
    for (const id of flags.node ?? []) if (!known.includes(id)) throw unknownNode(id, known)
    const chosen = all.filter(({ id }) => flags.node === undefined || flags.node.includes(id))
    const { answers, failures } = await askEvery(chosen, timeoutMs, ask)
    expectAnswers({ answers, failures })
    const result = {
      nodes: chosen.flatMap(({ id }) => (answers.has(id) ? [answers.get(id) as T] : [])),
      unreachable: [...failures.keys()],
    }
    if (result.unreachable.length > 0) this.note(`not reached: ${result.unreachable.join(', ')}`)
    return result
  }
}
