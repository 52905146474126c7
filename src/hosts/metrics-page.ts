/** The metrics' types, and the page loaded only where somebody wants it: it brings a library along. */
import type { MetricsPage } from './metrics.ts'

export type { MetricsPage, Snapshot, SupervisorCounts } from './metrics.ts'

export const metricsPage = async (): Promise<MetricsPage> => (await import('./metrics.ts')).metricsPage()
