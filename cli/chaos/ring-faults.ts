import type { FaultRule, FaultStatus } from '../../shared/api.ts'
import type { NodeClient } from '../../shared/client/node-client.ts'
import { ERRORS, KvError } from '../../shared/errors.ts'
import { type Answers, askEvery, expectAnswers, type NodeAddress, surveyEvery } from '../every-node.ts'
import { unknownNode } from '../local-ring/node-control.ts'

/** Faults that were given to nodes, or taken from them, and whom that did not reach. */
export interface FaultOutcome {
  readonly reached: readonly string[]
  readonly missed: readonly string[]
}

/**
 * The network faults of a ring. Every node is told of every fault and acts on its own part of it, over a channel
 * that no fault touches.
 */
export class RingFaults {
  private readonly nodes: readonly NodeAddress[]
  private readonly timeoutMs: number

  constructor(nodes: readonly NodeAddress[], timeoutMs: number) {
    this.nodes = nodes
    this.timeoutMs = timeoutMs
  }

  /** @throws KvError `not_found` with the nearest name as its hint. */
  checkNames(ids: Iterable<string>): void {
    const known = this.nodes.map((node) => node.id)
    for (const id of ids) if (!known.includes(id)) throw unknownNode(id, known)
  }

  /** @throws KvError `usage` where a group is the whole ring: there is nobody to cut it off from. */
  checkCut(group: readonly string[]): void {
    if (group.length < this.nodes.length) return
    throw new KvError('usage', 'the group is the whole ring', 'leave out the nodes that it is cut off from')
  }

  /**
   * @throws KvError `forbidden` where a node was started without chaos, `usage` for a rule that nodes refuse: then
   * it holds nowhere. `unreachable` where no node is reached.
   */
  async add(rule: FaultRule): Promise<FaultOutcome> {
    const told = await this.ask((node) => node.addFault(rule))
    const refusal = refused(told)
    if (refusal) {
      await this.ask((node) => node.healFaults(rule.id))
      throw refusal
    }
    return outcome(told)
  }

  /** All faults, or one. @returns also how many were in force at any node. */
  async heal(id?: string): Promise<FaultOutcome & { readonly healed: number }> {
    const told = await this.ask((node) => node.healFaults(id))
    const refusal = refused(told)
    if (refusal) throw refusal
    return { ...outcome(told), healed: Math.max(0, ...told.answers.values()) }
  }

  /** In force at any node. */
  async list(): Promise<FaultStatus['faults']> {
    const told = await surveyEvery(this.nodes, this.timeoutMs, (node) => node.faults())
    const refusal = refused(told)
    if (refusal) throw refusal
    outcome(told)
    const byId = new Map(
      [...told.answers.values()].flatMap(({ faults }) => faults).map((one) => [one.id, one]),
    )
    return [...byId.values()]
  }

  private ask<T>(ask: (client: NodeClient) => Promise<T>): Promise<Answers<T>> {
    return askEvery(this.nodes, this.timeoutMs, ask)
  }
}

/** The words of a node that answered, and would not. */
function refused({ failures }: Answers<unknown>): KvError | undefined {
  return [...failures.values()].find(({ code }) => code !== 'unreachable' && !ERRORS[code].retryable)
}

function outcome({ answers, failures }: Answers<unknown>): FaultOutcome {
  expectAnswers({ answers, failures })
  return { reached: [...answers.keys()], missed: [...failures.keys()] }
}
