let handler: () => void = () => undefined

/** Says what Ctrl-C and SIGTERM do from now on; the last one that was said holds. */
export function onInterrupt(next: () => void): void {
  handler = next
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.removeListener(signal, interrupted)
    process.on(signal, interrupted)
  }
}

function interrupted(): void {
  handler()
}

/** From now on Ctrl-C and SIGTERM are not this program's business. */
export function defaultInterrupt(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, interrupted)
}
