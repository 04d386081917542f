import type { ConflictPolicy } from '../causality/record.ts'
import type { NodeId } from '../ports/network.ts'

export interface LayoutMember {
  readonly id: NodeId
  readonly zone: string
  /** Relative share of the slots; 1 is normal. */
  readonly weight: number
}

/**
 * Who owns what: at every version number there is at most one layout.
 * Version 1 comes from `--bootstrap-expect`; later ones are decided among the members of the one before.
 */
export interface Layout {
  readonly version: number
  readonly cluster: string
  /** Random, drawn when the ring is founded: tells two rings of the same name apart. */
  readonly ringId: string
  readonly n: number
  readonly r: number
  readonly w: number
  readonly conflicts: ConflictPolicy
  /** In id order. */
  readonly members: readonly LayoutMember[]
}
