const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** Bytes for people: `512 B`, `3.4 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** A fraction as `60.0%`. */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)}%`
}

/** `1 node`, `2 nodes`. */
export function formatNodes(count: number): string {
  return `${count} ${count === 1 ? 'node' : 'nodes'}`
}
