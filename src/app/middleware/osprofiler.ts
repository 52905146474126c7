/** OSProfiler's place in the pipeline (nova/profiler.py). Traces are not built: the filter passes everything on, and says so when tracing was asked for. */
import { boolean, group } from '../../oslo/config/options.ts'
import type { Log } from '../../oslo/log.ts'
import type { Filter } from '../contract.ts'

export const profilerOptions = group('profiler', {
  enabled: boolean('enabled', false, { deprecated: ['profiler_enabled'], help: 'Trace requests that a key has signed. Not supported.' }),
})

export const osprofiler = ({ enabled = false, log }: { enabled?: boolean; log: Pick<Log, 'warning'> }): Filter => {
  if (enabled) log.warning('[profiler] enabled is true, but traces of OSProfiler are not supported: requests are not traced')
  return (app) => app
}
