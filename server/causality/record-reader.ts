import { type Actor, compareDots, type Dot } from './dot.ts'
import {
  EMPTY_RECORD,
  type KeyRecord,
  MAX_RETIRED,
  type Retirement,
  type Sibling,
  type VersionVector,
} from './record.ts'
import { VarintReader } from './varint.ts'
import { covers } from './version-vector.ts'

const MAX_LOGICAL = 0xffff_ffff

/**
 * Reads the lists of an encoded record, and takes only what is canonical and keeps the invariants of KeyRecord:
 * a record that came in that way may be merged and compared by its bytes. Throws RangeErrors.
 */
export class RecordReader extends VarintReader {
  private readonly actors: Actor[] = []
  /** Whether anything names the actor: one that nothing does would give a record two encodings. */
  private readonly named: boolean[] = []
  /** The same one for all records in whose past nothing is: they are most of those that are written. */
  private past: VersionVector = EMPTY_RECORD.past

  record(): KeyRecord {
    this.readActors()
    const siblings = this.readSiblings()
    const retired = this.readRetired()
    if (this.named.includes(false)) throw new RangeError('an actor is not used')
    if (!this.atEnd) throw new RangeError('there are bytes left over')
    return { past: this.past, siblings, retired }
  }

  private readActors(): void {
    const { actors, named } = this
    let past: Map<Actor, number> | undefined
    for (let left = this.varint(), before = ''; left > 0; left--) {
      const actor = this.text()
      if (actors.length > 0 && actor <= before) throw new RangeError('the actors are not in order')
      actors.push(actor)
      before = actor
      const counter = this.varint()
      named.push(counter > 0)
      if (counter > 0) past = (past ?? new Map<Actor, number>()).set(actor, counter)
    }
    if (past !== undefined) this.past = past
  }

  private readSiblings(): Sibling[] {
    const siblings: Sibling[] = []
    let before: Dot | undefined
    for (let left = this.varint(); left > 0; left--) {
      const dot = this.dot()
      if (before !== undefined && compareDots(before, dot) >= 0)
        throw new RangeError('the siblings are not in order')
      if (covers(this.past, dot)) throw new RangeError('a sibling is in the past')
      siblings.push(this.sibling(dot))
      before = dot
    }
    return siblings
  }

  private sibling(dot: Dot): Sibling {
    const wallMs = this.varint()
    const logical = this.varint()
    if (logical > MAX_LOGICAL) throw new RangeError('a stamp is out of range')
    const expiresAtMs = this.varint()
    const request = this.text()
    const attempt = this.varint()
    const size = this.varint()
    const value = size === 0 ? null : this.take(size - 1)
    return { dot, stamp: { wallMs, logical }, value, expiresAtMs, request, attempt }
  }

  private readRetired(): Retirement[] {
    const retired: Retirement[] = []
    for (let left = this.varint(), before = ''; left > 0; left--) {
      const request = this.text()
      if (request <= before) throw new RangeError('the retirements are not in order')
      const claim = this.varint()
      const seen = claim % 2 === 1
      retired.push({
        request,
        attempt: (claim - (seen ? 1 : 0)) / 2,
        dot: this.dot(),
        seen,
        wallMs: this.varint(),
      })
      before = request
    }
    if (retired.length > MAX_RETIRED) throw new RangeError('there are too many retirements')
    return retired
  }

  private dot(): Dot {
    const index = this.varint()
    const actor = this.actors[index]
    const counter = this.varint()
    if (actor === undefined || counter === 0) throw new RangeError('a dot names no event')
    this.named[index] = true
    return { actor, counter }
  }
}
