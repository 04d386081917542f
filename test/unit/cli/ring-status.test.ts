import { expect } from 'chai'
import { Chalk } from 'chalk'
import { renderRingStatus } from '../../../cli/render/ring-status.ts'
import { Screen } from '../../../cli/render/screen.ts'
import type { NodeStatus, RingStatus } from '../../../shared/api.ts'

const node = (id: string, state: NodeStatus['state']): NodeStatus => ({
  id,
  state,
  http: `http://127.0.0.1:${id.slice(1)}`,
  zone: 'default',
  ownership: 0.6,
  keys: 12_345,
  bytes: 3_565_158,
  hintsHeld: 7,
  divergentSlots: 0,
  unfilledSlots: 0,
  incarnation: 'abc',
})

const STATUS: RingStatus = {
  cluster: 'local',
  layoutVersion: 1,
  n: 3,
  r: 2,
  w: 2,
  conflicts: 'lww',
  health: 'degraded',
  reason: 'n2 is down',
  slots: 16_384,
  slotsBelowN: 9_000,
  slotsWithoutQuorum: 0,
  nodes: [node('n1', 'up'), node('n2', 'down')],
}

const plain = new Chalk({ level: 0 })
const coloured = new Chalk({ level: 1 })

describe('the table of kv ring status', () => {
  it('says first what is wrong and where, then lists the nodes', () => {
    expect(renderRingStatus(STATUS, plain).split('\n')).to.deep.equal([
      'degraded: n2 is down',
      'ring local, layout 1, n 3, r 2, w 2, 16,384 slots, conflicts lww',
      '',
      'NODE  STATE  HTTP                ZONE      OWNS    KEYS     SIZE  HINTS HELD',
      'n1    up     http://127.0.0.1:1  default  60.0%  12,345  3.4 MiB           7',
      'n2    down   http://127.0.0.1:2  default  60.0%  12,345  3.4 MiB           7',
    ])
  })

  it('has a column for slots that differ only where some do', () => {
    const nodes = [{ ...node('n1', 'up'), divergentSlots: 1234 }, node('n2', 'up')]
    const lines = renderRingStatus({ ...STATUS, nodes }, plain).split('\n')
    expect(lines.slice(3)).to.deep.equal([
      'NODE  STATE  HTTP                ZONE      OWNS    KEYS     SIZE  HINTS HELD  DIFFERING SLOTS',
      'n1    up     http://127.0.0.1:1  default  60.0%  12,345  3.4 MiB           7            1,234',
      'n2    up     http://127.0.0.1:2  default  60.0%  12,345  3.4 MiB           7                0',
    ])
  })

  it('has a column for slots that have to be filled only where some do', () => {
    const nodes = [node('n1', 'up'), { ...node('n2', 'up'), unfilledSlots: 3277 }]
    const lines = renderRingStatus({ ...STATUS, nodes }, plain).split('\n')
    expect(lines.slice(3)).to.deep.equal([
      'NODE  STATE  HTTP                ZONE      OWNS    KEYS     SIZE  HINTS HELD  SLOTS TO FILL',
      'n1    up     http://127.0.0.1:1  default  60.0%  12,345  3.4 MiB           7              0',
      'n2    up     http://127.0.0.1:2  default  60.0%  12,345  3.4 MiB           7          3,277',
    ])
    const both = nodes.map((one) => ({ ...one, divergentSlots: 5 }))
    expect(renderRingStatus({ ...STATUS, nodes: both }, plain)).to.match(
      / {2}DIFFERING SLOTS {2}SLOTS TO FILL\n.* {2}5 {14}0\n.* {2}5 {10}3,277$/,
    )
  })

  it('says that all is well where it is', () => {
    const [line] = renderRingStatus({ ...STATUS, health: 'ok', reason: '' }, plain).split('\n')
    expect(line).to.equal('ok: all 2 nodes are up, and every key has its 3 copies')
    const nodes = [node('n1', 'up'), node('n2', 'up'), node('n3', 'joining')]
    const found = renderRingStatus({ ...STATUS, health: 'ok', reason: '', nodes }, plain)
    expect(found.split('\n')[0]).to.equal(line)
  })

  it('has the same columns in colour', () => {
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')
    const text = renderRingStatus(STATUS, coloured)
    expect(text).to.match(escapes)
    expect(text.replaceAll(escapes, '')).to.equal(renderRingStatus(STATUS, plain))
  })
})

describe('a screen', () => {
  it('draws in place of what it drew before, and cuts off what does not fit', () => {
    const written: string[] = []
    const terminal = { columns: 8, rows: 4, write: (text: string) => written.push(text) > 0 }
    const screen = new Screen(terminal as unknown as ConstructorParameters<typeof Screen>[0])
    screen.show('a line that is long\nsecond')
    screen.show(`${coloured.red('red and long')}\n2\n3\n4`)
    expect(written).to.deep.equal([
      '\x1b[Ja line t\nsecond\n',
      `\x1b[2A\r\x1b[J${coloured.red('red and ')}\n2\n3\n`,
    ])
  })
})
