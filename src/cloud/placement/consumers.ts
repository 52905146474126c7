/** Consumers come with their first allocation and go with their last (placement/handlers/util.py ensure_consumer). */
import { conflict } from './faults.ts'
import type { PlacementCall } from './operation.ts'
import type { Consumer } from './store.ts'

/** What is sent of a consumer. */
export interface SentConsumer {
  readonly project_id?: string
  readonly user_id?: string
  readonly consumer_generation?: number | null
  readonly consumer_type?: string
}

/** For clients before 1.8, which do not say whose a consumer is (placement.conf incomplete_consumer_project_id). */
const incomplete = '00000000-0000-0000-0000-000000000000'

/** The consumer as it is to become; 409 when, from 1.28, its generation is another one than the client believes. */
export function ensured({ store, minor }: PlacementCall, id: string, sent: SentConsumer): Consumer {
  const before = store.consumers.get(id)
  const generation = sent.consumer_generation ?? null
  if (minor >= 28 && generation !== (before?.generation ?? null))
    throw conflict(
      `consumer generation conflict - expected ${before?.generation ?? 'null'} but got ${generation ?? 'None'}`,
      'placement.concurrent_update',
    )
  return {
    id,
    project: sent.project_id ?? incomplete,
    user: sent.project_id === undefined ? incomplete : sent.user_id!,
    type: sent.consumer_type ?? before?.type ?? null,
    generation: before?.generation ?? 0,
  }
}
