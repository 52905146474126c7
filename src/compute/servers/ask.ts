/** What is asked of a server's compute while the caller waits, and what it refuses then. */
import type { RequestContext } from '../../oslo/context.ts'
import { RemoteError } from '../../oslo/messaging/failure.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault, type FaultKind } from '../faults.ts'
import { type Calls, callCompute } from '../rpc/compute.ts'
import { detailsOf } from './details.ts'
import { instanceOf, usual } from './to-wire.ts'

const unsupported = 'The requested functionality is not supported.'

/** What another service refused, as a refusal of ours by the class of its error; other errors as they are. */
export function refusalOf(error: unknown, known: Readonly<Record<string, FaultKind>>): unknown {
  const kind = error instanceof RemoteError ? known[error.className] : undefined
  if (!kind) return error
  return kind === 'notImplemented' ? new Fault(kind, unsupported) : new Fault(kind, (error as RemoteError).message)
}

/** The state that another service found the server in, its InstanceInvalidState, as a refusal of ours. */
export function stateRefusal({ uuid }: Pick<Server, 'uuid'>, word: string, { kwargs: { attr, state } }: RemoteError): Fault {
  const isSaid = attr !== undefined && state !== undefined && state !== null
  return isSaid ? new Fault('wrongState', word, uuid, attr, state) : new Fault('unfitState', uuid, word)
}

/** Asks the server's compute and waits for the answer. */
export async function ask<M extends keyof Calls>(
  backends: Backends,
  context: RequestContext,
  server: Server,
  method: M,
  args: Calls[M][0],
): Promise<Calls[M][1]> {
  const instance = await instanceOf(detailsOf(backends, server), usual)
  return callCompute(backends, context, server, method, instance, args)
}
