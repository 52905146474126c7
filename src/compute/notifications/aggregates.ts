/** What is told of aggregates: in two forms, of which the older one sometimes goes out before the aggregate has been looked for. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Aggregate } from '../../stores/api/aggregates.ts'
import type { Backends } from '../backends.ts'
import { aggregatePayload } from './payloads.ts'

type Action = 'create' | 'update_prop' | 'update_metadata' | 'delete' | 'add_host' | 'remove_host'
type Phase = 'start' | 'end'
type Told = Partial<Aggregate>

export interface AggregateNotices {
  /** `facts` are beside the id. */
  older(phase: Phase, told: Told, facts?: object): Promise<void>
  newer(phase: Phase, told: Told): Promise<void>
  both(phase: Phase, told: Told, facts?: object): Promise<void>
}

/** Of one action on one aggregate. */
export function aggregateNotices({ notifications }: Backends, context: RequestContext, action: Action): AggregateNotices {
  const older = (phase: Phase, { id, name }: Told, facts: object = {}) =>
    notifications.unversioned(context, () => ({
      service: 'aggregate',
      host: String(id ?? name),
      event: `aggregate.${action.replace('_', '')}.${phase}`,
      payload: { ...facts, ...(id !== undefined && { aggregate_id: id }) },
    }))
  const newer = (phase: Phase, told: Told) =>
    notifications.versioned(context, () => ({ object: 'aggregate', action, phase, payload: aggregatePayload(told) }))
  return {
    older,
    newer,
    async both(phase, told, facts) {
      await older(phase, told, facts)
      await newer(phase, told)
    },
  }
}
