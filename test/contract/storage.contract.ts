import { expect } from 'chai'
import fc from 'fast-check'
import type { Storage, StorageEntry, StorageOp } from '../../server/ports/storage.ts'
import { KvError } from '../../shared/errors.ts'

export interface TestedStorage extends Storage {
  healthy(): boolean
}

/** One disk on which an implementation is opened again and again. */
export interface StorageFixture {
  /** The one before has been closed. */
  open(): Promise<TestedStorage>
  /** The next write to the disk fails. */
  failNext(): void
  dispose(): Promise<void>
}

const bytes = (text: string) => Buffer.from(text, 'latin1')
const put = (key: string, value: string): StorageOp => ({ type: 'put', key: bytes(key), value: bytes(value) })
const del = (key: string): StorageOp => ({ type: 'del', key: bytes(key) })
const END = Buffer.alloc(8, 0xff)
const EVERYTHING = 100_000

/** Page by page, as the port says. */
async function readAll(storage: Storage, gte = Buffer.alloc(0), lt = END, limit = EVERYTHING) {
  const entries: StorageEntry[] = []
  for (let from = gte; ; ) {
    const page = await storage.iterate({ gte: from, lt, limit })
    expect(page.length).to.be.at.most(limit)
    if (page.length === 0) return entries
    entries.push(...page)
    from = Buffer.concat([page.at(-1)![0], Buffer.of(0)])
  }
}

const keysOf = (entries: readonly StorageEntry[]) => entries.map(([key]) => key.toString('latin1'))

async function rejection(promise: Promise<unknown>): Promise<KvError> {
  const outcome = await promise.then(
    () => undefined,
    (thrown) => thrown,
  )
  expect(outcome).to.be.instanceOf(KvError)
  return outcome
}

/** What the Storage port promises, of any implementation. */
export function describeStorage(name: string, makeFixture: () => Promise<StorageFixture>): void {
  describe(name, () => {
    let fixture: StorageFixture
    let storage: TestedStorage

    beforeEach(async () => {
      fixture = await makeFixture()
      storage = await fixture.open()
    })

    afterEach(async () => {
      await storage.close()
      await fixture.dispose()
    })

    async function reopen(): Promise<void> {
      await storage.close()
      storage = await fixture.open()
    }

    it('gives back what was put, and undefined for what was not', async () => {
      await storage.commit([put('a', '1')])
      expect(storage.get(bytes('a'))?.toString()).to.equal('1')
      expect(storage.get(bytes('b'))).to.equal(undefined)
    })

    it('keeps an empty value apart from none', async () => {
      await storage.commit([put('empty', '')])
      expect(storage.get(bytes('empty'))?.length).to.equal(0)
      await storage.commit([del('empty')])
      expect(storage.get(bytes('empty'))).to.equal(undefined)
    })

    it('orders keys as unsigned bytes, whatever bytes they are', async () => {
      const keys: Buffer[] = []
      for (let byte = 0; byte < 256; byte++)
        keys.push(Buffer.of(byte), Buffer.of(byte, 0), Buffer.of(0x80, byte))
      const shuffled = keys.map((_, i) => keys[(i * 101) % keys.length]!)
      await storage.commit(shuffled.map((key) => ({ type: 'put', key, value: key })))
      const expected = [...new Set(keys.map((key) => key.toString('hex')))].map((hex) =>
        Buffer.from(hex, 'hex'),
      )
      expected.sort(Buffer.compare)
      const entries = await readAll(storage)
      expect(entries.map(([key]) => key.toString('hex'))).to.deep.equal(
        expected.map((key) => key.toString('hex')),
      )
      for (const [key, value] of entries) expect(value.equals(key)).to.equal(true)
    })

    it('includes the beginning of a range, excludes its end, and keeps to the limit', async () => {
      await storage.commit(['a', 'b', 'c', 'd'].map((key) => put(key, key)))
      expect(keysOf(await readAll(storage, bytes('b'), bytes('d')))).to.deep.equal(['b', 'c'])
      expect(keysOf(await readAll(storage, bytes('b'), bytes('b')))).to.deep.equal([])
      expect(keysOf(await readAll(storage, bytes('c'), bytes('a')))).to.deep.equal([])
      expect(keysOf(await readAll(storage, bytes('a'), END, 1))).to.deep.equal(['a', 'b', 'c', 'd'])
      expect(keysOf(await storage.iterate({ gte: bytes('b'), lt: END, limit: 1 }))).to.deep.equal(['b'])
      expect(await storage.iterate({ gte: bytes('a'), lt: END, limit: 0 })).to.deep.equal([])
    })

    it('applies the operations of a batch in their order', async () => {
      await storage.commit([put('a', '1'), del('a'), put('b', '1'), put('b', '2'), put('c', '1')])
      await storage.commit([del('c'), del('missing')])
      await storage.commit([])
      expect(storage.get(bytes('b'))?.toString()).to.equal('2')
      expect(keysOf(await readAll(storage))).to.deep.equal(['b'])
    })

    it('takes a copy of what is committed', async () => {
      const [key, value] = [bytes('key'), bytes('value')]
      const committed = storage.commit([{ type: 'put', key, value }])
      key.fill(0x78)
      value.fill(0x78)
      await committed
      expect(storage.get(bytes('key'))?.toString()).to.equal('value')
      expect(keysOf(await readAll(storage))).to.deep.equal(['key'])
    })

    it('makes many commits at once durable in the order of the calls', async () => {
      const resolved: number[] = []
      const commits = Array.from({ length: 300 }, (_, i) =>
        storage.commit([put('last', String(i)), put(`k${i}`, '')]).then(() => {
          resolved.push(i)
        }),
      )
      await Promise.all(commits)
      expect(resolved).to.deep.equal(Array.from({ length: 300 }, (_, i) => i))
      expect(storage.get(bytes('last'))?.toString()).to.equal('299')
      expect((await readAll(storage)).length).to.equal(301)
    })

    it('has after a reopening what was committed before', async () => {
      await storage.commit([put('a', '1'), put('b', '1')])
      await storage.commit([del('a'), put('c', '1')])
      await reopen()
      expect(keysOf(await readAll(storage))).to.deep.equal(['b', 'c'])
      await storage.commit([put('d', '1')])
      await reopen()
      expect(keysOf(await readAll(storage))).to.deep.equal(['b', 'c', 'd'])
    })

    it('finishes the commits in flight before it closes', async () => {
      const commits = Array.from({ length: 50 }, (_, i) => storage.commit([put(`k${i}`, '')]))
      await storage.close()
      await Promise.all(commits)
      const late = await rejection(storage.commit([put('late', '')]))
      expect(late.code).to.equal('storage_failed')
      expect(() => storage.get(bytes('k0'))).to.throw(KvError)
      await rejection(storage.iterate({ gte: bytes('k'), lt: END, limit: 1 }))
      await reopen()
      expect((await readAll(storage)).length).to.equal(50)
    })

    it('refuses every commit after one has failed, also those that were waiting', async () => {
      await storage.commit([put('a', '1')])
      expect(storage.healthy()).to.equal(true)
      fixture.failNext()
      const failed = storage.commit([put('b', '1')])
      const waiting = storage.commit([put('c', '1')])
      for (const commit of [failed, waiting])
        expect((await rejection(commit)).code).to.equal('storage_failed')
      expect(storage.healthy()).to.equal(false)
      const later = await rejection(storage.commit([put('d', '1')]))
      expect(later.code).to.equal('storage_failed')
      expect(later.hint).to.not.equal('')
      expect(storage.get(bytes('a'))?.toString()).to.equal('1')
    })

    it('accepts commits again once it has been opened anew', async () => {
      fixture.failNext()
      await rejection(storage.commit([put('a', '1')]))
      await reopen()
      expect(storage.healthy()).to.equal(true)
      await storage.commit([put('b', '1')])
      expect(storage.get(bytes('b'))?.toString()).to.equal('1')
    })

    it('keeps values of 1 MiB over a reopening', async () => {
      const mebibyte = 1024 * 1024
      const value = (i: number) => Buffer.alloc(mebibyte, i)
      for (let i = 0; i < 12; i++) await storage.commit([{ type: 'put', key: Buffer.of(i), value: value(i) }])
      await reopen()
      expect(storage.get(Buffer.of(7))?.equals(value(7))).to.equal(true)
      const entries = await readAll(storage)
      expect(entries.length).to.equal(12)
      for (const [i, [, found]] of entries.entries()) expect(found.equals(value(i))).to.equal(true)
    })

    it('agrees with a plain map', async () => {
      const key = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((array) => Buffer.from(array))
      const value = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array))
      const op = fc.oneof(
        fc.record({ type: fc.constant('put' as const), key, value }),
        fc.record({ type: fc.constant('del' as const), key }),
      )
      const step = fc.oneof(
        { weight: 8, arbitrary: fc.record({ batch: fc.array(op, { maxLength: 8 }) }) },
        { weight: 2, arbitrary: fc.record({ gte: key, lt: key, limit: fc.integer({ min: 1, max: 9 }) }) },
        { weight: 1, arbitrary: fc.constant('reopen' as const) },
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
          await storage.commit((await readAll(storage)).map(([found]) => ({ type: 'del', key: found })))
          const oracle = new Map<string, string>()
          for (const step of steps) {
            if (step === 'reopen') {
              await reopen()
            } else if ('batch' in step) {
              await storage.commit(step.batch)
              for (const op of step.batch) {
                if (op.type === 'put') oracle.set(op.key.toString('hex'), op.value.toString('hex'))
                else oracle.delete(op.key.toString('hex'))
              }
            } else {
              // Hexadecimal digits compare as the bytes that they stand for.
              const [low, high] = [step.gte.toString('hex'), step.lt.toString('hex')]
              const expected = [...oracle].filter(([found]) => found >= low && found < high)
              expected.sort(([a], [b]) => (a < b ? -1 : 1))
              const found = await readAll(storage, step.gte, step.lt, step.limit)
              expect(found.map(([key, value]) => [key.toString('hex'), value.toString('hex')])).to.deep.equal(
                expected,
              )
            }
          }
          for (const [key, value] of oracle) {
            expect(storage.get(Buffer.from(key, 'hex'))?.toString('hex')).to.equal(value)
          }
        }),
        { numRuns: 40 },
      )
    })
  })
}
