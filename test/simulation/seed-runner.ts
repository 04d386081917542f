import { type ChildProcess, spawn } from 'node:child_process'
import { drawSwarm, type Swarm } from './swarm.ts'
import type { SeedReport } from './worker.ts'
import { type Sources, workerScript } from './worker-script.ts'
import { World } from './world.ts'

/** A seed that takes longer than this, in real milliseconds, hangs. */
const HUNG_AFTER_MS = 300_000

/** Runs seeds one after the other in a process of its own; one that hangs or breaks the process is a failed seed. */
export class SeedRunner {
  private readonly sources: Sources
  private script: string | undefined
  private worker: ChildProcess | undefined

  constructor(sources: Sources) {
    this.sources = sources
  }

  /**
   * @param swarm replaces parts of what the seed draws.
   * @throws Error where the sources do not compile.
   */
  async run(seed: number, swarm: Partial<Swarm> = {}): Promise<SeedReport> {
    this.script ??= await workerScript(this.sources)
    this.worker ??= start(this.script, this.sources.root)
    const { worker } = this
    return new Promise((resolve) => {
      const settle = (report: SeedReport) => {
        clearTimeout(watchdog)
        worker.off('message', onMessage)
        worker.off('exit', onExit)
        resolve(report)
      }
      const onMessage = (message: unknown) => settle(message as SeedReport)
      const onExit = (code: number | null) => {
        this.worker = undefined
        settle(broken(seed, `the simulator exited with ${code}`))
      }
      const watchdog = setTimeout(() => {
        this.close()
        settle(broken(seed, `still running after ${HUNG_AFTER_MS / 1000} s`))
      }, HUNG_AFTER_MS)
      worker.on('message', onMessage)
      worker.on('exit', onExit)
      worker.send({ seed, swarm })
    })
  }

  close(): void {
    this.worker?.kill('SIGKILL')
    this.worker = undefined
  }
}

/** The script goes in through stdin: no file is left behind, and packages are found from the working directory. */
function start(script: string, root: string): ChildProcess {
  const worker = spawn(process.execPath, ['--enable-source-maps', '--input-type=module'], {
    cwd: root,
    stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
  })
  // One that ends before it has read all is told by its end.
  worker.stdin?.on('error', () => {}).end(script)
  return worker
}

function broken(seed: number, message: string): SeedReport {
  const violations = [{ checker: 'simulator', key: '', message }]
  const swarm = drawSwarm(new World({ seed }).prng.fork('swarm'))
  return { seed, swarm, hash: '', violations, marks: [], events: 0, virtualMs: 0, due: [] }
}
