import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { ContextStore } from '../../../cli/context.ts'
import { LocalRing } from '../../../cli/local-ring/local-ring.ts'
import { chooseNodes } from '../../../cli/local-ring/node-control.ts'
import { retireNode, withoutNode } from '../../../cli/local-ring/retired-node.ts'
import type { RingState } from '../../../cli/local-ring/ring-state.ts'
import { stopRing } from '../../../cli/local-ring/stop-ring.ts'
import { KvError } from '../../../shared/errors.ts'

describe('a node of a local ring that was removed from it', () => {
  let home: string
  let ring: LocalRing
  let contexts: ContextStore
  let state: RingState

  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), 'kvring-retired-'))
    const directory = path.join(home, 'rings', 'local')
    const settings = { name: 'local', directory, program: '/none', env: { KV_HOME: home } }
    mkdirSync(directory, { recursive: true })
    ring = new LocalRing(settings)
    const node = (i: number) => {
      const dataDir = path.join(home, 'data', `n${i}`)
      mkdirSync(dataDir, { recursive: true })
      // No process can have begun then.
      const process = { pid: 1, began: 'never' }
      return { id: `n${i}`, httpPort: 7070 + i, peerPort: 7270 + i, dataDir, logFile: '', process }
    }
    state = {
      version: 1,
      name: 'local',
      conflicts: 'lww',
      discoveryPort: 7171,
      nodes: [node(1), node(2), node(3)],
      pauses: [
        { id: 'both', nodes: ['n2', 'n3'], untilMs: 5 },
        { id: 'one', nodes: ['n3'], untilMs: 5 },
      ],
      faults: [],
    }
    ring.save(state)
    contexts = new ContextStore(home)
    const endpoints = [1, 2, 3].map((i) => `http://127.0.0.1:${7070 + i}`)
    contexts.put('local', { endpoints, localRing: directory })
    contexts.put('other', { endpoints: ['http://127.0.0.1:9000'] })
  })

  afterEach(() => rmSync(home, { recursive: true }))

  it('is no node of it any more, and is asked no more', async () => {
    await retireNode(ring, 'n3')
    const after = ring.expectState()
    expect(after.nodes.map(({ id }) => id)).to.deep.equal(['n1', 'n2'])
    expect(after.removed?.map(({ id }) => id)).to.deep.equal(['n3'])
    expect(after.pauses).to.deep.equal([{ id: 'both', nodes: ['n2'], untilMs: 5 }])
    expect(contexts.get('local').endpoints).to.deep.equal(['http://127.0.0.1:7071', 'http://127.0.0.1:7072'])
    expect(contexts.current()).to.equal('other')
    expect(() => chooseNodes(after, ['n3']))
      .to.throw(KvError, 'n3 was taken out of the ring for good')
      .with.property('code', 'conflict')
  })

  it('is set aside once, and one that it never had is not', async () => {
    await retireNode(ring, 'n3')
    const after = ring.expectState()
    for (const id of ['n3', 'n9']) await retireNode(ring, id)
    expect(ring.expectState()).to.deep.equal(after)
    expect(withoutNode(after, 'n2').removed?.map(({ id }) => id)).to.deep.equal(['n3', 'n2'])
  })

  it('is stopped and wiped with the others', async () => {
    await retireNode(ring, 'n3')
    await stopRing(ring, ring.expectState())
    const stopped = ring.expectState()
    expect(stopped.removed?.map(({ process }) => process)).to.deep.equal([undefined])
    ring.wipe(stopped)
    expect(existsSync(path.join(home, 'data'))).to.equal(false)
  })
})
