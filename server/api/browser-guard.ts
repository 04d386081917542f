import type { IncomingHttpHeaders } from 'node:http'
import { KvError } from '../../shared/errors.ts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Keeps web pages of other origins from writing here, and, where only certain host names are allowed, from
 * reading through a name of their own that they made point here (DNS rebinding).
 */
export class BrowserGuard {
  private readonly hostNames: ReadonlySet<string> | undefined
  /** The last Host header that was let in: nearly always the next one, too. */
  private lastHost: string | undefined

  constructor(hostNames: ReadonlySet<string> | undefined) {
    this.hostNames = hostNames
  }

  /** @returns why the request is refused. */
  refusal(method: string, headers: IncomingHttpHeaders): KvError | undefined {
    const { host, origin } = headers
    if (host !== this.lastHost) {
      if (host !== undefined && !this.knows(host)) {
        const hint = 'use localhost, or name it in the setting allowedHosts'
        return new KvError(
          'forbidden',
          `this node does not answer for the host ${JSON.stringify(host)}`,
          hint,
        )
      }
      this.lastHost = host
    }
    const site = headers['sec-fetch-site']
    if ((origin === undefined && site === undefined) || SAFE.has(method)) return undefined
    const foreignOrigin = origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`
    if (!foreignOrigin && site !== 'cross-site' && site !== 'same-site') return undefined
    return new KvError(
      'forbidden',
      'web pages of another origin may not write here',
      'send it from a program',
    )
  }

  private knows(host: string): boolean {
    if (this.hostNames === undefined) return true
    const name = host
      .replace(/:\d+$/, '')
      .replace(/^\[(.*)\]$/, '$1')
      .toLowerCase()
    return this.hostNames.has(name) || /^127(\.\d{1,3}){3}$/.test(name)
  }
}

/** The names that a request may give a node on loopback. */
export function loopbackNames(more: Iterable<string>): Set<string> {
  const names = new Set(['localhost', '::1'])
  for (const name of more) names.add(name.toLowerCase())
  return names
}
