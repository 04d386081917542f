import { toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import { EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { encodeRecord } from '../causality/record-codec.ts'
import type { Completeness } from '../membership/completeness.ts'
import type { StagedRecords } from '../replica/staged-records.ts'
import { INSPECT, type Inspection } from '../rpc/inspect-method.ts'
import type { Rpc } from '../rpc/method.ts'
import type { HintStore } from './hint-store.ts'

export interface InspectorComponents {
  readonly data: StagedRecords
  readonly hints: HintStore
  readonly completeness: Pick<Completeness, 'of'>
}

/** Tells what this node holds of a key, data and hints apart: for people who want to know, not for reads. */
export class Inspector {
  private readonly components: InspectorComponents

  constructor(components: InspectorComponents) {
    this.components = components
  }

  serve(rpc: Rpc): void {
    rpc.handle(INSPECT, (_from, { key }, reply) => reply(undefined, this.inspect(key)))
  }

  /** A damaged record does not keep the others from being told. */
  inspect(key: Key): Inspection {
    const { data, hints, completeness } = this.components
    const damage: string[] = []
    const encoded = (what: string, read: () => KeyRecord): Buffer => {
      try {
        const record = read()
        return record === EMPTY_RECORD ? Buffer.alloc(0) : encodeRecord(key, record)
      } catch (error) {
        damage.push(`${what}: ${toKvError(error).message}`)
        return Buffer.alloc(0)
      }
    }
    const own = encoded('data', () => data.durable(key))
    const kept = hints.targetsOf(key).map((target) => ({
      target,
      bytes: encoded(`hint for ${target}`, () => hints.records(target).durable(key)),
    }))
    return {
      data: own,
      hints: kept.filter(({ bytes }) => bytes.length > 0),
      damage: damage.join('; '),
      complete: completeness.of(slotOf(key)),
    }
  }
}
