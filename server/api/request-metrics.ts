import { type Labels, metricText, type Sample } from './exposition.ts'

/** Upper bounds in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

interface Series {
  readonly labels: Labels
  /** Requests in each bucket by itself; the last is over all bounds. */
  readonly counts: number[]
  seconds: number
}

/** How long requests took, by method, route and status: of which there are few. */
export class RequestMetrics {
  private readonly series = new Map<string, Series>()

  observe(method: string, route: string, status: number, seconds: number): void {
    const name = `${method} ${route} ${status}`
    const series = this.series.get(name) ?? this.open(name, method, route, status)
    series.seconds += seconds
    let bucket = 0
    while (bucket < BUCKETS.length && seconds > (BUCKETS[bucket] as number)) bucket++
    ;(series.counts[bucket] as number)++
  }

  text(): string {
    const samples: Sample[] = []
    for (const { labels, counts, seconds } of this.series.values()) {
      let total = 0
      for (const [i, count] of counts.entries()) {
        total += count
        const le = i < BUCKETS.length ? String(BUCKETS[i]) : '+Inf'
        samples.push({ suffix: '_bucket', labels: [...labels, ['le', le]], value: total })
      }
      samples.push({ suffix: '_sum', labels, value: seconds }, { suffix: '_count', labels, value: total })
    }
    return metricText(
      'kvring_http_request_duration_seconds',
      'histogram',
      'Time to answer HTTP requests.',
      samples,
    )
  }

  private open(name: string, method: string, route: string, status: number): Series {
    const labels: Labels = [
      ['method', method],
      ['route', route],
      ['status', String(status)],
    ]
    const series: Series = { labels, counts: new Array<number>(BUCKETS.length + 1).fill(0), seconds: 0 }
    this.series.set(name, series)
    return series
  }
}
