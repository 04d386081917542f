import { randomBytes } from 'node:crypto'
import { AxiosExchange } from '../shared/client/axios-exchange.ts'
import { KvClient } from '../shared/client/client.ts'
import type { Settings } from './settings.ts'

/** A client of the ring that the settings name. */
export function connect(settings: Pick<Settings, 'endpoints' | 'timeoutMs'>): KvClient {
  return new KvClient(
    {
      exchange: new AxiosExchange(),
      monotonicMs: () => performance.now(),
      after: (ms, fn) => {
        const timer = setTimeout(fn, ms)
        return () => clearTimeout(timer)
      },
      requestId: () => randomBytes(12).toString('base64url'),
    },
    settings,
  )
}
