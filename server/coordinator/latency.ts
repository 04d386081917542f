/** The quantile that a spare replica waits for. */
const QUANTILE = 0.95
/** Share of the estimate that one observation may move it. */
const RATE = 0.05
const LEAST_MS = 5
const MOST_MS = 1_000

/**
 * The 95th percentile of the latencies seen lately, by stochastic approximation (Robbins and Monro, 1951):
 * after each observation, estimate += RATE * estimate * (seen above it ? QUANTILE : QUANTILE - 1).
 */
export class LatencyQuantile {
  private estimate = 50

  observe(ms: number): void {
    const step = RATE * this.estimate * (ms > this.estimate ? QUANTILE : QUANTILE - 1)
    this.estimate = Math.min(MOST_MS, Math.max(LEAST_MS, this.estimate + step))
  }

  get ms(): number {
    return this.estimate
  }
}
