import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * How fast `kv import` can push records by itself: against a server that answers every line without doing anything.
 * Run it with `node --import tsx test/bench/import-client.ts [records]`.
 */
const RECORDS = Number(process.argv[2] ?? 300_000)

const directory = mkdtempSync(path.join(tmpdir(), 'kvring-bench-'))
const file = path.join(directory, 'places.ndjson')
const server = http.createServer(answer).listen(0, '127.0.0.1')
await once(server, 'listening')
try {
  await writeRecords()
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kv = path.join(import.meta.dirname, '../../cli/bin/kv.js')
  const argv = [kv, 'import', file, '--key', '{country}/{name}', '--json', '--endpoint', endpoint]
  const cpuBefore = process.cpuUsage()
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number]
  const cpu = process.cpuUsage(cpuBefore)
  process.stdout.write(
    `exit ${code}; the server used ${((cpu.user + cpu.system) / 1e6).toFixed(1)} s of CPU\n`,
  )
} finally {
  server.close()
  rmSync(directory, { recursive: true })
}

async function writeRecords(): Promise<void> {
  const output = createWriteStream(file)
  for (let i = 0; i < RECORDS; i++) {
    const line = `{"name":"Place ${i}","lat":"42.53176","lng":"1.56654","country":"C${i % 200}","population":${i}}\n`
    if (!output.write(line)) await once(output, 'drain')
  }
  output.end()
  await once(output, 'close')
}

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  if (request.url?.startsWith('/ring/layout')) {
    const members = [{ id: 'n1', zone: '', weight: 1, http: `http://${request.headers.host}` }]
    const owners = Buffer.alloc(16_384 * 2).toString('base64')
    response.end(JSON.stringify({ version: 1, members, slots: 16_384, owners, width: 1 }))
    return
  }
  let line = 0
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  request.on('data', (chunk: Buffer) => {
    let answers = ''
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) {
      answers += `{"line":${++line},"status":200,"result":{"key":"k","version":"n1:1","acks":2,"w":2,"sloppy":false,"coordinator":"n1"}}\n`
    }
    if (answers !== '') response.write(answers)
  })
  request.on('end', () => response.end())
}
