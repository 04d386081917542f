import { type ImportSnapshot, importLine, importShare } from '../render/import-progress.ts'

const REDRAW_MS = 150
const LINE_EVERY_MS = 5_000

/** Shows the progress of an import on stderr: a bar on a terminal, otherwise a line every five seconds. */
export async function showProgress(snapshot: () => ImportSnapshot): Promise<() => void> {
  const { stderr, env } = process
  if (!stderr.isTTY || env.CI) {
    const timer = setInterval(() => stderr.write(`${importLine(snapshot())}\n`), LINE_EVERY_MS)
    return () => clearInterval(timer)
  }
  const { SingleBar } = (await import('cli-progress')).default
  const bar = new SingleBar({
    format: snapshot().bytesTotal === undefined ? '{line}' : '{bar} {line}',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: false,
    stream: stderr,
  })
  bar.start(1, 0, { line: '' })
  const draw = (): void => {
    const at = snapshot()
    bar.update(importShare(at) ?? 0, { line: importLine(at) })
  }
  const timer = setInterval(draw, REDRAW_MS)
  return () => {
    clearInterval(timer)
    bar.stop()
  }
}
