/** `compute.exception`: what operators hear of when work on aggregates, hosts and key pairs fails. nova/exception_wrapper.py wrap_exception */
import type { RequestContext } from '../../oslo/context.ts'
import { RemoteError } from '../../oslo/messaging/failure.ts'
import { repr } from '../../oslo/python.ts'
import type { Backends } from '../backends.ts'
import { Fault, type FaultKind } from '../faults.ts'
import { payload } from './payload.ts'

/** What is done: a function of Nova's API and its arguments, by their names there. */
export interface Work {
  readonly service: 'api' | 'compute'
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
}

/** Does it; when it fails, tells so before the error goes on. */
export async function tellingFailure<T>(backends: Backends, context: RequestContext, work: Work, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    await tell(backends, context, work, error)
    throw error
  }
}

/** Of the functions that Nova counts to `compute`. */
export const failing = <T>(
  backends: Backends,
  context: RequestContext,
  name: string,
  args: Readonly<Record<string, unknown>>,
  run: () => Promise<T>,
): Promise<T> => tellingFailure(backends, context, { service: 'compute', name, args }, run)

async function tell({ notifications }: Backends, context: RequestContext, { service, name, args }: Work, error: unknown): Promise<void> {
  const { className, message, kwargs } = raised(error)
  await notifications.unversioned(context, () => ({
    service,
    event: name,
    priority: 'error',
    payload: { exception: repr({ kwargs, message, class: className }), args },
  }))
  await notifications.versioned(context, () => ({
    object: 'compute',
    action: 'exception',
    priority: 'error',
    payload: payload('ExceptionPayload', '1.1', {
      module_name: 'nova.compute.api',
      function_name: name,
      exception: className,
      exception_message: message,
      // Where it happened here: Nova has other files
      traceback: error instanceof Error ? (error.stack ?? '') : '',
    }),
  }))
}

interface Raised {
  readonly className: string
  readonly message: string
  readonly kwargs: Readonly<Record<string, unknown>>
}

function raised(error: unknown): Raised {
  if (error instanceof RemoteError) return { className: `${error.className}_Remote`, message: error.message, kwargs: {} }
  const message = error instanceof Error ? error.message : String(error)
  const known = error instanceof Fault ? classes[error.kind] : undefined
  if (!known) return { className: error instanceof Error ? error.name : typeof error, message, kwargs: {} }
  const [className, code, names, text] = known
  const values = (error as Fault).values
  const kwargs = Object.fromEntries(names.map((name, i) => [name, values[i]]))
  return { className, message: text ? text(values) : message, kwargs: { ...kwargs, code } }
}

type Known = [className: string, code: number, kwargs: readonly string[], message?: (values: readonly unknown[]) => string]

/** Nova's exceptions by our kinds: nova/exception.py. */
const classes: Partial<Record<FaultKind, Known>> = {
  aggregateNotFound: ['AggregateNotFound', 404, ['aggregate_id']],
  aggregateExists: ['AggregateNameExists', 500, ['aggregate_name']],
  aggregateHostExists: ['AggregateHostExists', 500, ['aggregate_id', 'host']],
  aggregateHostNotFound: ['AggregateHostNotFound', 404, ['host', 'aggregate_id'], ([host, id]) => `Aggregate ${id} has no host ${host}.`],
  aggregateHostRefused: ['InvalidAggregateActionAdd', 400, ['aggregate_id', 'reason']],
  aggregateHostKept: ['InvalidAggregateActionDelete', 400, ['aggregate_id', 'reason']],
  aggregateNotUpdated: ['InvalidAggregateActionUpdate', 400, ['aggregate_id', 'reason']],
  aggregateMetadataNotUpdated: ['InvalidAggregateActionUpdateMeta', 400, ['aggregate_id', 'reason']],
  computeHostNotFound: ['ComputeHostNotFound', 404, ['host']],
  hostNotMapped: ['HostMappingNotFound', 400, ['name']],
  keyPairNotFound: ['KeypairNotFound', 404, ['name', 'user_id']],
  keyPairExists: ['KeyPairExists', 500, ['key_name']],
  keyPairLimitExceeded: ['KeypairLimitExceeded', 413, []],
  invalidKeyPair: ['InvalidKeypair', 400, ['reason']],
}
