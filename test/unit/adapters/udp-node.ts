/** A process that shares the discovery port: broadcasts its name, and tells its parent each name it hears. */
import { SystemClock } from '../../../server/adapters/system-clock.ts'
import { UdpBroadcast } from '../../../server/adapters/udp-broadcast.ts'
import { silentTrace } from '../silent-trace.ts'

const [, , port, name] = process.argv
const clock = new SystemClock()
const udp = await UdpBroadcast.open({ clock, trace: silentTrace }, { host: '127.0.0.1', port: Number(port) })
const heard = new Set<string>()
udp.onDatagram((datagram) => {
  const before = heard.size
  if (heard.add(datagram.toString()).size > before) process.send?.([...heard])
})
const say = (): void => {
  udp.broadcast(Buffer.from(name as string))
  clock.after(50, say)
}
say()
