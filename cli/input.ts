import { KvError } from '../shared/errors.ts'

/** More than any server takes as a value: what is larger is refused without being read to its end. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024

/** All bytes of standard input. @throws KvError `too_large` */
export async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MAX_INPUT_BYTES)
      throw new KvError('too_large', 'the value has over 64 MiB', 'see: kv import, for many records')
  }
  return Buffer.concat(chunks)
}
