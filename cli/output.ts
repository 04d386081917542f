import { once } from 'node:events'

/** Writes to stdout and waits while whoever reads it is slower. */
export async function writeBytes(bytes: Uint8Array | string): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain')
}
