/** Prometheus metrics of a host: what a worker counts, and how the counts of all workers, those that ended included, become one page. */
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Watcher } from './exchange.ts'

/** A worker's metrics as they travel to the supervisor. */
export type Snapshot = readonly { readonly name: string; readonly type: unknown }[]

export interface WorkerMetrics extends Watcher {
  snapshot(): Promise<Snapshot>
}

/** Seconds; from a cached metadata answer to a create that waits for other services. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Methods of HTTP; a client may write anything, and each word would be a series of its own. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export function workerMetrics(): WorkerMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Counter({
    name: 'nova_http_requests_total',
    help: 'Requests answered.',
    labelNames: ['method', 'status'],
    registers,
  })
  const duration = new Histogram({
    name: 'nova_http_request_duration_seconds',
    help: 'Time from a request to the last of its answer.',
    labelNames: ['method'],
    buckets,
    registers,
  })
  const bytes = new Counter({ name: 'nova_http_response_bytes_total', help: 'Bytes of bodies answered.', registers })
  const underWay = new Gauge({ name: 'nova_http_requests_in_progress', help: 'Requests being answered.', registers })
  return {
    began: () => underWay.inc(),
    ended(exchange) {
      const method = methods.has(exchange.request.method) ? exchange.request.method : 'other'
      underWay.dec()
      requests.inc({ method, status: exchange.status })
      duration.observe({ method }, exchange.ms / 1000)
      bytes.inc(exchange.bytes)
    },
    snapshot: async () => (await registry.getMetricsAsJSON()) as unknown as Snapshot,
  }
}

/** What the supervisor itself knows. */
export interface SupervisorCounts {
  readonly workers: number
  readonly restarts: number
  readonly reloads: number
}

export interface MetricsPage {
  readonly contentType: string
  /** `of` are the workers that run. */
  render(of: readonly Snapshot[], counts: SupervisorCounts | null): Promise<string>
  /** Keeps what a worker counted when it ends, so that totals never fall. */
  keep(last: Snapshot): Promise<void>
}

const lasting = new Set(['counter', 'histogram', 'summary'])

export function metricsPage(): MetricsPage {
  let departed: Snapshot[] = []
  // prom-client hands its parts around as plain records in this very form
  const merged = (all: readonly Snapshot[]) => AggregatorRegistry.aggregate(structuredClone(all) as unknown as object[])
  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    async keep(last) {
      const kept = last.filter(({ type, name }) => lasting.has(String(type)) && name.startsWith('nova_'))
      const sum = await merged([...departed, kept]).getMetricsAsJSON()
      departed = [sum as unknown as Snapshot]
    },
    async render(of, counts) {
      const page = await merged([...departed, ...of]).metrics()
      return counts === null ? page : `${page}\n${own(counts)}`
    },
  }
}

function own({ workers, restarts, reloads }: SupervisorCounts): string {
  const rows: [string, string, string, number][] = [
    ['nova_host_workers', 'gauge', 'Workers that serve.', workers],
    ['nova_host_worker_restarts_total', 'counter', 'Workers started again after they ended by themselves.', restarts],
    ['nova_host_reloads_total', 'counter', 'Times that all workers were replaced.', reloads],
  ]
  return rows.map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`).join('\n')
}
