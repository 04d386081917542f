import type { Readable, Writable } from 'node:stream'
import type { BatchAnswer } from '../../shared/api.ts'
import { KvError, toKvError } from '../../shared/errors.ts'
import type { Coordinator, PutOptions } from '../coordinator/outcome.ts'
import { type BatchRequest, parseBatchLine } from './batch-line.ts'
import { LineSplitter } from './line-splitter.ts'
import type { BatchOptions } from './options.ts'
import { deleteResult, readResult, writeResult } from './results.ts'

export interface BatchSettings {
  readonly secret: Buffer
  readonly options: BatchOptions
  readonly maxLineBytes: number
  /** Lines that are under way, or answered behind one that is. */
  readonly window: number
  /** Bytes of lines in the window after which no more input is read. */
  readonly windowBytes: number
}

/** One line of the input, from its arrival to its answer. */
interface Slot {
  readonly line: number
  readonly bytes: number
  readonly request: BatchRequest | KvError
  answer: string | undefined
  /** The next line for the same key: it begins when this one is done. */
  follower: Slot | undefined
}

/**
 * Runs NDJSON operations from `input` and writes an NDJSON answer for each to `output`, in the order of the input.
 * Operations of one key run in order, others side by side. Input is read only while the window has room and the
 * output is being read.
 */
export class BatchRun {
  private readonly coordinator: Coordinator
  private readonly settings: BatchSettings
  private readonly input: Readable
  private readonly output: Writable
  private readonly cutOff: () => void
  private readonly splitter: LineSplitter
  /** In input order; those before `head` have been written. */
  private slots: Slot[] = []
  private head = 0
  private bytes = 0
  private line = 0
  /** Lines that have been read but do not fit the window yet. */
  private backlog: (string | null)[] = []
  /** The last line under way for each key. */
  private readonly busy = new Map<string, Slot>()
  private ended = false
  private stopped = false
  private outputFull = false
  private pumping = false

  constructor(
    components: { coordinator: Coordinator; input: Readable; output: Writable; cutOff: () => void },
    settings: BatchSettings,
  ) {
    this.cutOff = components.cutOff
    this.coordinator = components.coordinator
    this.input = components.input
    this.output = components.output
    this.settings = settings
    this.splitter = new LineSplitter(settings.maxLineBytes)
  }

  start(): void {
    this.input.on('data', (chunk: Buffer) => this.accept(this.splitter.push(chunk)))
    this.input.on('end', () => {
      this.ended = true
      const rest = this.splitter.end()
      this.accept(rest === undefined ? [] : [rest])
    })
    this.input.on('error', () => this.stop())
    this.output.on('drain', () => {
      this.outputFull = false
      this.pump()
    })
    this.output.on('close', () => this.stop())
    this.output.on('error', () => this.stop())
  }

  /** Begins no further line; those under way are finished and, where somebody is there to read them, answered. */
  stop(): void {
    if (this.stopped) return
    this.stopped = true
    this.backlog = []
    this.input.pause()
    this.flush()
  }

  private accept(lines: (string | null)[]): void {
    if (this.stopped) return
    this.backlog = this.backlog.length === 0 ? lines : this.backlog.concat(lines)
    this.pump()
  }

  private pump(): void {
    this.flush()
    // Lines that are answered as they enter leave the window at once, and nothing else would call for the next ones.
    while (this.backlog.length > 0 && this.hasRoom()) {
      this.fill()
      this.flush()
    }
    const read = this.backlog.length === 0 && this.hasRoom()
    if (read !== !this.input.isPaused()) read ? this.input.resume() : this.input.pause()
  }

  private fill(): void {
    let taken = 0
    while (taken < this.backlog.length && this.hasRoom()) this.enter(this.backlog[taken++] as string | null)
    this.backlog = this.backlog.slice(taken)
  }

  private hasRoom(): boolean {
    const { window, windowBytes } = this.settings
    const waiting = this.slots.length - this.head
    return (
      !this.stopped && !this.outputFull && waiting < window && (waiting === 0 || this.bytes < windowBytes)
    )
  }

  private enter(text: string | null): void {
    this.line++
    if (text !== null && text.trim() === '') return
    const request = this.parse(text)
    const bytes = text?.length ?? 0
    const slot: Slot = { line: this.line, bytes, request, answer: undefined, follower: undefined }
    this.slots.push(slot)
    this.bytes += bytes
    if (request instanceof KvError) this.settle(slot, failure(slot.line, request))
    else {
      const before = this.busy.get(request.key)
      this.busy.set(request.key, slot)
      if (before === undefined) this.begin(slot, request)
      else before.follower = slot
    }
  }

  private parse(text: string | null): BatchRequest | KvError {
    if (text === null) {
      return new KvError(
        'too_large',
        `the line has over ${this.settings.maxLineBytes} bytes`,
        'send it by itself: PUT /kv/{key}',
      )
    }
    try {
      return parseBatchLine(text, this.settings.secret)
    } catch (error) {
      return toKvError(error)
    }
  }

  private begin(slot: Slot, request: BatchRequest): void {
    this.run(slot.line, request).then(
      (answer) => this.finish(slot, request, answer),
      (error: unknown) => this.finish(slot, request, failure(slot.line, toKvError(error))),
    )
  }

  private run(line: number, { op, key, value, options }: BatchRequest): Promise<string> {
    const { options: shared, secret } = this.settings
    if (op === 'get') {
      return this.coordinator
        .get(key, shared)
        .then((outcome) => success(line, readResult(key, outcome, secret, false)))
    }
    const { w, strict, timeoutMs } = shared
    const { ttlMs, context, request, attempt } = options
    // Named one by one: a spread costs several times as much, and all its steps are garbage.
    const merged: PutOptions = { w, strict, timeoutMs, ttlMs, context, request, attempt }
    return this.coordinator.put(key, value, merged).then((outcome) => {
      if (shared.brief) return `{"line":${line},"status":200}\n`
      return success(line, op === 'put' ? writeResult(key, outcome) : deleteResult(key, outcome))
    })
  }

  private finish(slot: Slot, request: BatchRequest, answer: string): void {
    this.settle(slot, answer)
    const { follower } = slot
    if (follower === undefined || this.stopped) this.busy.delete(request.key)
    else this.begin(follower, follower.request as BatchRequest)
    if (this.pumping) return
    // Once for all that one commit has made durable: they are answered in one write, and make room together.
    this.pumping = true
    void Promise.resolve().then(() => {
      this.pumping = false
      this.pump()
    })
  }

  private settle(slot: Slot, answer: string): void {
    slot.answer = answer
    this.bytes -= slot.bytes
  }

  /** Writes what is answered up to the first line that is not. */
  private flush(): void {
    let text = ''
    while (this.head < this.slots.length) {
      const { answer } = this.slots[this.head] as Slot
      if (answer === undefined) break
      text += answer
      this.head++
    }
    if (this.head > 1024) {
      this.slots = this.slots.slice(this.head)
      this.head = 0
    }
    if (this.output.writableEnded || this.output.destroyed) return
    if (text !== '') this.outputFull = !this.output.write(text)
    const all = this.head === this.slots.length && this.backlog.length === 0
    if (all && this.ended) this.output.end()
    // Without the last chunk, the client knows that its other lines were not done.
    else if (this.stopped && this.busy.size === 0) this.cutOff()
  }
}

function success(line: number, result: BatchAnswer['result']): string {
  return `{"line":${line},"status":200,"result":${JSON.stringify(result)}}\n`
}

function failure(line: number, error: KvError): string {
  return `{"line":${line},"status":${error.kind.http},${JSON.stringify(error.toBody()).slice(1)}\n`
}
