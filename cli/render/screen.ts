/** Text on a terminal that is drawn again in its place. */
export class Screen {
  private readonly terminal: Pick<NodeJS.WriteStream, 'write' | 'columns' | 'rows'>
  private height = 0

  constructor(terminal: Pick<NodeJS.WriteStream, 'write' | 'columns' | 'rows'>) {
    this.terminal = terminal
  }

  /** Takes the place of what was shown before. What does not fit is cut off: a line that wraps could not be erased. */
  show(text: string): void {
    const { columns = 80, rows = 24 } = this.terminal
    const lines = text.split('\n').slice(0, Math.max(1, rows - 1))
    const back = this.height > 0 ? `\x1b[${this.height}A\r` : ''
    this.terminal.write(`${back}\x1b[J${lines.map((line) => clip(line, columns)).join('\n')}\n`)
    this.height = lines.length
  }
}

const ESCAPE = new RegExp(`(${String.fromCharCode(27)}\\[[0-9;]*m)`)

/** The first `columns` characters; colours count as none. */
function clip(line: string, columns: number): string {
  let left = columns
  return line
    .split(ESCAPE)
    .map((part, i) => {
      if (i % 2 === 1) return part
      const shown = part.slice(0, left)
      left -= shown.length
      return shown
    })
    .join('')
}
