import { expect } from 'chai'
import fc from 'fast-check'
import { mergeRecords } from '../../../server/causality/merge.ts'
import { EMPTY_RECORD, type KeyRecord } from '../../../server/causality/record.ts'
import { decodeRecord, encodeRecord } from '../../../server/causality/record-codec.ts'
import { dataAddress } from '../../../server/replica/data-address.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import { digestFault } from '../../simulation/digest-fault.ts'
import { TwoOwners } from '../../unit/anti-entropy/two-owners.ts'
import { encodedOf } from '../../unit/records.ts'

/** Few keys, so that they meet; some in one slot. */
const KEYS = Array.from({ length: 60 }, (_, i) => keyFromText(i % 3 === 0 ? `{hot}${i}` : `key-${i}`))

interface Step {
  readonly kind: 'write' | 'crash' | 'compare'
  readonly owner: 'a' | 'b' | 'both'
  readonly key: number
  readonly actor: string
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 30, arbitrary: fc.constant('write' as const) },
    { weight: 1, arbitrary: fc.constant('crash' as const) },
    { weight: 1, arbitrary: fc.constant('compare' as const) },
  ),
  owner: fc.constantFrom('a' as const, 'b' as const, 'both' as const),
  key: fc.nat(KEYS.length - 1),
  actor: fc.constantFrom('x', 'y', 'z'),
})

/** What two owners hold, as a plain map that knows nothing of trees, slots and disks. */
class Oracle {
  private readonly held = { a: new Map<Key, KeyRecord>(), b: new Map<Key, KeyRecord>() }

  write(owner: 'a' | 'b', key: Key, bytes: Buffer): void {
    const before = this.held[owner].get(key) ?? EMPTY_RECORD
    this.held[owner].set(key, mergeRecords(before, decodeRecord(key, bytes)))
  }

  merged(key: Key): Buffer | undefined {
    const [a, b] = [this.held.a.get(key), this.held.b.get(key)]
    if (a === undefined && b === undefined) return undefined
    return encodeRecord(key, mergeRecords(a ?? EMPTY_RECORD, b ?? EMPTY_RECORD))
  }

  differing(): number {
    return KEYS.filter((key) => {
      const [a, b] = [this.held.a.get(key), this.held.b.get(key)]
      if (a === undefined || b === undefined) return a !== b
      return !encodeRecord(key, a).equals(encodeRecord(key, b))
    }).length
  }
}

describe('an exchange', function () {
  this.timeout(120_000)

  it('leaves both owners with the merge of what they held, whatever they were through, for few bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), fc.nat(), async (steps, seed) => {
        const owners = new TwoOwners({ repairEveryMs: 0 }, seed)
        const oracle = new Oracle()
        let compared = false
        await owners.start()
        for (const [i, { kind, owner, key, actor }] of steps.entries()) {
          const name = KEYS[key] as Key
          const bytes = encodedOf(name, actor, i + 1)
          const those = owner === 'both' ? (['a', 'b'] as const) : [owner]
          if (kind === 'write') {
            for (const one of those) {
              await owners.settled(owners[one].store(name, bytes))
              oracle.write(one, name, bytes)
            }
          } else if (kind === 'crash') {
            const [one] = those
            owners.crash(one)
            await owners.settled(owners[one].repair.recover())
            owners[one].repair.start()
          } else {
            compared = true
            await owners.compare()
          }
        }
        owners.network.bytes = 0
        const differing = oracle.differing()
        await owners.compare()
        for (const key of KEYS) {
          const merged = oracle.merged(key)?.toString('hex')
          for (const disk of [owners.disks.a, owners.disks.b])
            expect(disk.get(dataAddress(key))?.toString('hex')).to.equal(merged)
        }
        for (const disk of [owners.disks.a, owners.disks.b])
          expect(await digestFault(disk)).to.equal(undefined)
        // The hot slot is listed whole; each difference costs its branch of the tree and two records.
        if (!compared) expect(owners.network.bytes).to.be.lessThan(2_000 + differing * 1_500)
      }),
      { numRuns: 60 },
    )
  })
})
