import { expect } from 'chai'
import {
  WriteCoordinator,
  type WriteCoordinatorComponents,
} from '../../../server/coordinator/write-coordinator.ts'
import type { ForwardRequest, ForwardResponse } from '../../../server/rpc/forward-method.ts'
import type { Reply } from '../../../server/rpc/method.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'

/** A coordinator whose clock reads 5,000 in session 7, and that refuses whatever it would begin. */
function setUp() {
  let forward: (request: ForwardRequest) => string | undefined = () => undefined
  const begun: number[] = []
  const components = {
    rpc: {
      handle: (
        _method: unknown,
        run: (from: string, request: ForwardRequest, reply: Reply<ForwardResponse>) => void,
      ) => {
        forward = (request) => {
          let code: string | undefined
          run('b', request, (error) => {
            code = error?.code
          })
          return code
        }
      },
    },
    ring: { moments: { now: () => ({ session: 7, ms: 5_000 }) } },
    clock: { monotonicMs: () => 5_000 },
    serving: () => {
      begun.push(1)
      throw new KvError('overloaded', 'begun')
    },
  } as unknown as WriteCoordinatorComponents
  new WriteCoordinator(components, { id: 'a', maxValueBytes: 100 })
  return { begun, forward: (request: ForwardRequest) => forward(request) }
}

const request: ForwardRequest = {
  key: keyFromText('k'),
  value: Buffer.from('v'),
  w: 2,
  ttlMs: 0,
  context: undefined,
  strict: false,
  request: 'q',
  attempt: 0,
  timeoutMs: 1_000,
  until: { session: 7, ms: 5_001 },
}

describe('a forwarded write', () => {
  it('is begun while its sender still waits', () => {
    const { forward, begun } = setUp()
    expect(forward(request)).to.equal('overloaded')
    expect(begun).to.have.length(1)
  })

  it('is refused for certain once its sender may have given it up', () => {
    const { forward, begun } = setUp()
    expect(forward({ ...request, until: { session: 7, ms: 5_000 } })).to.equal('not_ready')
    expect(begun).to.have.length(0)
  })

  it('is refused where it was meant for an earlier process of this node', () => {
    const { forward, begun } = setUp()
    expect(forward({ ...request, until: { session: 8, ms: 9_000 } })).to.equal('not_ready')
    expect(begun).to.have.length(0)
  })
})
