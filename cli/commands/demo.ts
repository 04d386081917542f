import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { KvCommand } from '../base-command.ts'
import { Story, type StoryResult } from '../demo/story.ts'
import { onInterrupt } from '../interrupt.ts'
import { LocalRing } from '../local-ring/local-ring.ts'
import { stopRing } from '../local-ring/stop-ring.ts'
import { colours } from '../render/colour.ts'
import { invocation } from '../render/invocation.ts'

interface DemoResult extends StoryResult {
  seconds: number
}

export default class Demo extends KvCommand {
  static override summary =
    'Watch a ring lose a node and its network, and lose no data, in under two minutes.'
  static override description =
    'Starts five nodes of its own, imports records, kills a node, splits the network, mends all of it, and then reads every acknowledged record from every node. It touches no other ring, and removes everything at the end.'
  static override examples = [
    { description: 'Watch:', command: '<%= config.bin %> demo' },
    { description: 'Keep the story:', command: '<%= config.bin %> demo > story.txt' },
  ]

  private readonly begun = performance.now()

  async run(): Promise<DemoResult> {
    await this.parse(Demo)
    const directory = mkdtempSync(path.join(tmpdir(), 'kvring-demo-'))
    const program = path.join(this.config.root, 'dist', 'server', 'main.js')
    const ring = new LocalRing({ directory, name: 'demo', program, env: process.env })
    const interruption = new AbortController()
    onInterrupt(() => interruption.abort())
    const colour = colours()
    const story = new Story({
      ring,
      signal: interruption.signal,
      step: (text) => this.line(`\n${colour.bold(text)}`),
      tell: (text) => this.line(`${colour.dim(this.clock())}  ${text}`),
    })
    try {
      const result = { ...(await story.tellAll()), seconds: Math.round(this.elapsed() * 10) / 10 }
      this.line(colour.green(`\nNothing that was acknowledged is lost. (${result.seconds} s)`))
      this.line(`\n${tryNext(invocation())}`)
      return result
    } catch (thrown) {
      if (interruption.signal.aborted) this.exit(130)
      throw thrown
    } finally {
      const state = ring.state()
      if (state) await stopRing(ring, state)
      rmSync(directory, { recursive: true, force: true })
    }
  }

  private elapsed(): number {
    return (performance.now() - this.begun) / 1000
  }

  private clock(): string {
    return `${this.elapsed().toFixed(1).padStart(6)} s`
  }

  private line(text: string): void {
    if (!this.jsonEnabled()) this.print(text)
  }
}

function tryNext(kv: string): string {
  return [
    'Now you:',
    `  ${kv} up                        a ring that stays`,
    `  ${kv} ring status --watch       watch it, in a second terminal`,
    `  ${kv} chaos kill n2             and break it, in a third`,
    `  ${kv} chaos --help              in other ways, too`,
  ].join('\n')
}
