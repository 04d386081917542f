let successor: string | undefined

/** Once the command has ended, this process goes on as the program in `file`, with what is in process.argv then. */
export function handOver(file: string): void {
  successor = file
}

/** The program that the command has handed the process over to. */
export function handedOverTo(): string | undefined {
  return successor
}
