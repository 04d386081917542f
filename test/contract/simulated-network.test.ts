import type { Address, NodeId } from '../../server/ports/network.ts'
import { EventLoop } from '../simulation/event-loop.ts'
import { Prng } from '../simulation/prng.ts'
import { SimulatedProcess } from '../simulation/process.ts'
import { SimulatedNetwork } from '../simulation/simulated-network.ts'
import { TraceHash } from '../simulation/trace-hash.ts'
import { describeNetwork, type NetworkFixture } from './network.contract.ts'

const WITHIN_MS = 60_000

class SimulatedFixture implements NetworkFixture {
  private readonly loop = new EventLoop({ prng: new Prng(7) })
  private readonly network = new SimulatedNetwork({
    loop: this.loop,
    prng: new Prng(8),
    hash: new TraceHash(),
  })
  private next = 1

  open(id: NodeId, at?: Address) {
    const process = new SimulatedProcess({
      loop: this.loop,
      onThrow: (thrown) => {
        throw thrown
      },
    })
    const address = at ?? { host: `10.0.0.${this.next++}`, port: 7201 }
    return Promise.resolve({ network: this.network.attach(process, id, address), address })
  }

  async advance(what: string, until: () => boolean): Promise<void> {
    const end = this.loop.now + WITHIN_MS * 1000
    while (this.loop.now < end && !until()) await this.loop.run(this.loop.now + 1_000)
    if (!until()) throw new Error(`it never came to be that ${what}`)
  }

  dispose(): Promise<void> {
    return Promise.resolve()
  }
}

describeNetwork('the simulated network', () => Promise.resolve(new SimulatedFixture()))
