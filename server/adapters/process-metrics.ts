import { collectDefaultMetrics, Registry } from 'prom-client'

/** Memory, CPU, garbage collection, file descriptors and event loop lag of this process, as Prometheus text. */
export class ProcessMetrics {
  private readonly registry = new Registry()

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  text(): Promise<string> {
    return this.registry.metrics()
  }
}
