declare module 'snappyjs' {
  /** @throws where the bytes are not what Snappy makes. */
  export function uncompress(compressed: Buffer): Buffer
}
