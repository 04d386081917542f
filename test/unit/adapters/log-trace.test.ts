import { expect } from 'chai'
import { LogTrace } from '../../../server/adapters/log-trace.ts'

describe('the log', () => {
  let lines: string[]
  let now: number
  const open = (format: 'json' | 'text' = 'json'): LogTrace =>
    new LogTrace(
      { clock: { monotonicMs: () => now }, destination: { write: (line) => void lines.push(line) } },
      { node: 'n1', level: 'info', format, linesPerSecond: 2 },
    )
  beforeEach(() => {
    lines = []
    now = 0
  })

  it('is one JSON object a line', () => {
    open().event('warn', 'link.lost', { peer: 'n2', attempts: 3 })
    const line = JSON.parse(lines[0] as string)
    expect(line).to.include({ level: 'warn', node: 'n1', event: 'link.lost', peer: 'n2', attempts: 3 })
    expect(new Date(line.time).getFullYear()).to.be.above(2000)
  })

  it('leaves out what is below its level', () => {
    const trace = open()
    trace.event('debug', 'a')
    expect(lines).to.have.length(0)
    expect(trace.enabled('debug')).to.equal(false)
    expect(trace.enabled('error')).to.equal(true)
  })

  it('writes few lines of one event a second, and says how many it left out', () => {
    const trace = open()
    for (let i = 0; i < 10; i++) trace.event('info', 'flood', { i })
    trace.event('info', 'other')
    expect(lines).to.have.length(3)
    now = 1000
    trace.event('info', 'flood')
    expect(JSON.parse(lines[3] as string)).to.include({ event: 'flood', suppressed: 8 })
  })

  it('can be text', () => {
    open('text').event('error', 'disk.full', { path: '/a b', ids: ['n1', 'n2'] })
    expect(lines[0]).to.match(/^\d\d:\d\d:\d\d\.\d{3} error n1 disk\.full path="\/a b" ids=n1,n2\n$/)
  })
})
