import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { chooseNodes } from '../../../cli/local-ring/node-control.ts'
import {
  httpOf,
  peerOf,
  type RingState,
  RingStateFile,
  withNodes,
} from '../../../cli/local-ring/ring-state.ts'
import { KvError } from '../../../shared/errors.ts'

const node = (id: string, httpPort: number) => ({
  id,
  httpPort,
  peerPort: httpPort + 200,
  dataDir: `/data/${id}`,
  logFile: `/logs/${id}.log`,
})

const STATE: RingState = {
  version: 1,
  name: 'local',
  conflicts: 'lww',
  discoveryPort: 7171,
  nodes: [node('n1', 7071), { ...node('n2', 7072), process: { pid: 7, began: 'boot:9' }, killed: true }],
  faults: [],
  pauses: [{ id: 'pause-1', nodes: ['n1'], untilMs: 5 }],
}

describe('the state of a local ring', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'kvring-'))
  })

  afterEach(() => rmSync(directory, { recursive: true }))

  it('is read as it was written, and leaves no draft behind', () => {
    const file = new RingStateFile(directory)
    expect(file.read()).to.equal(undefined)
    file.write(STATE)
    expect(file.read()).to.deep.equal(STATE)
    expect(readdirSync(directory)).to.deep.equal(['ring.json'])
  })

  it('is refused where the file is damaged: its processes would be forgotten', () => {
    const file = new RingStateFile(directory)
    for (const text of [
      '',
      '{',
      'null',
      '{"version":2}',
      '{"version":1,"name":"a","pauses":[],"faults":[],"nodes":[{}]}',
    ]) {
      writeFileSync(file.file, text)
      expect(() => file.read(), text)
        .to.throw(KvError, /damaged/)
        .with.property('code', 'conflict')
    }
  })

  it('says where nodes listen, and changes some of them', () => {
    const [first] = STATE.nodes as [RingState['nodes'][number]]
    expect([httpOf(first), peerOf(first)]).to.deep.equal(['http://127.0.0.1:7071', '127.0.0.1:7271'])
    const changed = withNodes(STATE, ({ killed, ...one }) => one)
    expect(changed.nodes.map((one) => one.killed)).to.deep.equal([undefined, undefined])
    expect(STATE.nodes[1]?.killed).to.equal(true)
  })

  it('finds nodes by name, and suggests the nearest', () => {
    expect(chooseNodes(STATE, ['n2', 'n1']).map(({ id }) => id)).to.deep.equal(['n2', 'n1'])
    expect(() => chooseNodes(STATE, ['n11']))
      .to.throw(KvError, 'there is no node "n11"')
      .with.property('hint', 'did you mean n1?')
  })
})
