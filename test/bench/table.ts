/** One row of a table on the screen: the name, and its figures below those of the other rows. */
export function print(cells: readonly string[]): void {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(28) : cell.padStart(14))).join(''))
}
