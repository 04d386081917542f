/** A set of whole numbers, kept as intervals in rising order that neither overlap nor touch. */
export class IntervalSet {
  private readonly intervals: [number, number][]

  constructor(intervals: readonly (readonly [number, number])[] = []) {
    this.intervals = []
    for (const [first, last] of intervals) {
      const before = this.intervals.at(-1)
      if (!(Number.isSafeInteger(first) && Number.isSafeInteger(last) && first <= last))
        throw new RangeError('a bad interval')
      if (before && first <= before[1] + 1) throw new RangeError('intervals overlap or touch')
      this.intervals.push([first, last])
    }
  }

  /** How many numbers are in it. */
  get size(): number {
    return this.intervals.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  }

  /** The highest number in it; 0 when empty. */
  get highest(): number {
    return this.intervals.at(-1)?.[1] ?? 0
  }

  has(number: number): boolean {
    const interval = this.intervals[this.after(number) - 1]
    return interval !== undefined && number <= interval[1]
  }

  add(number: number): void {
    const at = this.after(number)
    const left = this.intervals[at - 1]
    const right = this.intervals[at]
    if (left && number <= left[1]) return
    const joinsLeft = left !== undefined && left[1] === number - 1
    const joinsRight = right !== undefined && right[0] === number + 1
    if (joinsLeft && joinsRight) {
      left[1] = right[1]
      this.intervals.splice(at, 1)
    } else if (joinsLeft) left[1] = number
    else if (joinsRight) right[0] = number
    else this.intervals.splice(at, 0, [number, number])
  }

  toJSON(): [number, number][] {
    return this.intervals.map(([first, last]) => [first, last])
  }

  /** Index of the first interval that begins after `number`. */
  private after(number: number): number {
    let low = 0
    let high = this.intervals.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.intervals[middle] as [number, number])[0] <= number) low = middle + 1
      else high = middle
    }
    return low
  }
}
