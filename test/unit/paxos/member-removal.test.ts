import { expect } from 'chai'
import type { Layout } from '../../../server/membership/layout.ts'
import type { MemberView } from '../../../server/membership/member-view.ts'
import { MemberRemoval, type MemberRemovalComponents } from '../../../server/paxos/member-removal.ts'
import { toKvError } from '../../../shared/errors.ts'

const VERSION = 3

function setUp({ n = 3, ids = ['n1', 'n2', 'n3', 'n4', 'n5'] } = {}) {
  const members = ids.map((id) => ({ id, zone: 'z', weight: 1 }))
  let layout = { version: VERSION, n, members, former: [] } as unknown as Layout
  const views = new Map(
    ids.map((id) => [
      id,
      { id, state: 'up', reachable: true, ready: true, layoutVersion: VERSION, unfilledSlots: 0 },
    ]),
  )
  const say = (id: string, view: object) => views.set(id, Object.assign(views.get(id) as never, view))
  const down = (id: string) => say(id, { state: 'down', reachable: false })
  const removal = new MemberRemoval(
    {
      change: {
        amend: async (next: (current: Layout) => Layout) => {
          const amended = next(layout)
          if (amended !== layout) layout = { ...amended, version: layout.version + 1 }
          return layout
        },
      },
      spread: { waitFor: async () => [] },
      members: () => [...views.values()] as unknown as MemberView[],
    } as unknown as MemberRemovalComponents,
    { id: 'n1' },
  )
  const remove = async (id: string, force = false) =>
    removal.of(id, force).then(
      ({ changed }) => (changed ? 'removed' : 'unchanged'),
      (error: unknown) => `${toKvError(error).code}: ${toKvError(error).message}`,
    )
  return { say, down, remove, layout: () => layout }
}

describe('MemberRemoval', () => {
  it('takes a member that is down out of the next layout, and notes it as a former one', async () => {
    const { down, remove, layout } = setUp()
    down('n4')
    expect(await remove('n4')).to.equal('removed')
    expect(layout().members.map(({ id }) => id)).to.deep.equal(['n1', 'n2', 'n3', 'n5'])
    expect(layout().former).to.deep.equal([{ id: 'n4', zone: 'z', weight: 1, removedIn: VERSION + 1 }])
    expect(await remove('n4')).to.equal('unchanged')
    expect(layout().version).to.equal(VERSION + 1)
  })

  it('keeps who is there, and who is asked, whether or not it is forced', async () => {
    const { say, down, remove, layout } = setUp()
    say('n4', { state: 'suspect' })
    down('n1')
    for (const force of [false, true]) {
      expect(await remove('n5', force)).to.match(/^conflict: n5 is up/)
      expect(await remove('n4', force)).to.match(/^conflict: n4 is suspect/)
      expect(await remove('n1', force)).to.match(/^conflict: n1 is down/)
      expect(await remove('n9', force)).to.match(/^not_found/)
    }
    expect(layout().version).to.equal(VERSION)
  })

  it('leaves as many as there are copies of a key', async () => {
    const { down, remove } = setUp({ ids: ['n1', 'n2', 'n3'] })
    down('n3')
    expect(await remove('n3', true)).to.match(/^conflict: every key has 3 copies/)
  })

  for (const [lack, view] of [
    ['out of reach', { reachable: false }],
    ['not ready', { ready: false }],
    ['not ready', { layoutVersion: VERSION - 1 }],
    ['being filled', { unfilledSlots: 7 }],
  ] as const)
    it(`asks for force while another is ${lack}: ${JSON.stringify(view)}`, async () => {
      const { say, down, remove } = setUp()
      down('n4')
      say('n2', view)
      expect(await remove('n4')).to.match(new RegExp(`^conflict: n2 is ${lack}`))
      expect(await remove('n4', true)).to.equal('removed')
    })

  it('asks for force where no other node has what the member had', async () => {
    const { down, remove } = setUp({ n: 1 })
    down('n4')
    expect(await remove('n4')).to.match(/^conflict: every key has one copy/)
    expect(await remove('n4', true)).to.equal('removed')
  })
})
