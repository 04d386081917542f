import type { Evidence } from '../../simulation/evidence.ts'
import { dotText } from '../../simulation/observations.ts'

/** All that is known of one key, in the order in which it happened: for whoever looks into a violation. */
export function account({ history, observations, finals, losses }: Evidence, key: string): string[] {
  const lines: { at: number; text: string }[] = []
  const tell = (at: number, text: string) => lines.push({ at, text: `${(at / 1e6).toFixed(3)} s ${text}` })
  for (const write of history.writes) {
    if (write.key !== key) continue
    const { request, value, w, strict, ttlMs, basis } = write
    const what = `${value === null ? 'delete' : `put ${value.replace(/\.+$/, '')}`} w=${w}${strict ? ' strict' : ''}`
    const after = basis === undefined ? '' : ` after read ${basis.id}`
    for (const [i, attempt] of write.attempts.entries()) {
      const { node, invokedAt, completedAt, outcome, code, acks, sloppy, version } = attempt
      const ttl = ttlMs > 0 ? ` ttl ${ttlMs} ms` : ''
      tell(invokedAt, `${request} attempt ${i} to ${node}: ${what}${ttl}${after}`)
      tell(
        completedAt,
        `${request} attempt ${i}: ${outcome} ${code}${version} acks=${acks}${sloppy ? ' sloppy' : ''}`,
      )
    }
  }
  for (const read of history.reads) {
    if (read.key !== key) continue
    const { id, node, r, invokedAt, completedAt, outcome, code, values, sloppy, replies } = read
    tell(invokedAt, `read ${id} from ${node} r=${r}${read.final ? ' final' : ''}`)
    const found = values.map((value) => value.replace(/\.+$/, '')).join(', ') || 'nothing'
    tell(completedAt, `read ${id}: ${outcome} ${code}${found} replies=${replies}${sloppy ? ' sloppy' : ''}`)
  }
  for (const { from, until, unnoticed } of losses)
    tell(from, `a disk was lost, until ${(until / 1e6).toFixed(3)} s${unnoticed ? ', unnoticed' : ''}`)
  const versions = [...observations.byRequest.values()]
    .flat()
    .filter((sighting) => sighting.key === key)
    .map(
      ({ dot, stamp, request, attempt }) =>
        `${request} attempt ${attempt} as ${dotText(dot)} at ${stamp.wallMs}.${stamp.logical}`,
    )
  const copies = finals
    .filter((copy) => copy.key === key && (copy.owner || copy.bytes !== undefined))
    .map(({ node, owner, record }) => {
      const held = record?.siblings.map(({ dot, request }) => `${request} as ${dotText(dot)}`)
      return `${node}${owner ? '' : ' (no owner)'} holds ${held?.join(', ') || 'nothing'}`
    })
  return [...lines.sort((a, b) => a.at - b.at).map(({ text }) => text), ...versions, ...copies]
}
