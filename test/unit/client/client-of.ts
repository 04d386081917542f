import { AxiosExchange } from '../../../shared/client/axios-exchange.ts'
import { KvClient } from '../../../shared/client/client.ts'

/** A client with the time of this machine, whose writes are named r1, r2, ... */
export function clientOf(endpoints: readonly string[], timeoutMs: number): KvClient {
  let ids = 0
  return new KvClient(
    {
      exchange: new AxiosExchange(),
      monotonicMs: () => performance.now(),
      requestId: () => `r${++ids}`,
      after: (ms, fn) => {
        const timer = setTimeout(fn, ms)
        return () => clearTimeout(timer)
      },
    },
    { endpoints, timeoutMs },
  )
}
