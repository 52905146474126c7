/**
 * Starts a task on a server: the conditional change of its task state, the record of the action, and the message to whoever does it. A message that
 * cannot be delivered leaves the server as it was and the action in error.
 */
import type { RequestContext } from '../../oslo/context.ts'
import { MessageDeliveryFailure } from '../../oslo/messaging/errors.ts'
import type { ServerChanges } from '../../stores/cell/servers.ts'
import type { Instance } from '../../stores/objects/instance.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { tellUpdate } from '../notifications/servers.ts'
import { type Casts, castToCompute } from '../rpc/compute.ts'
import { castToConductor, type Tasks } from '../rpc/conductor.ts'
import { type Beside, changeServer } from './change.ts'
import type { Details, Parts } from './details.ts'
import { inCell } from './in-cell.ts'
import { type ActionName, finishAction, recordAction } from './record-action.ts'
import type { Verb } from './states.ts'
import { type Field, instanceOf, usual, warm } from './to-wire.ts'

export interface Task {
  /** How refusals call it; of tasks that change no state none is needed. */
  readonly verb?: Verb
  readonly action?: ActionName
  /** What becomes of the row; nothing is written when it is empty. */
  readonly changes?: ServerChanges
  /** The task states in which the change may be made; only an idle server when absent, any when null. */
  readonly expected?: readonly (string | null)[] | null
  /** What is changed together with the row, and what it was before. */
  readonly beside?: { readonly now: Beside; readonly before: Beside }
  /** Parts that are changed, so that the message has them as they are now. */
  readonly parts?: Partial<Parts>
  /** The fields of the server that travel. */
  readonly fields?: readonly Field[]
  readonly send: (instance: Instance) => Promise<unknown>
}

/** Throws what `changeServer` throws, and `undelivered`. */
export async function startTask(backends: Backends, context: RequestContext, details: Details, task: Task): Promise<Details> {
  const { verb = null, action, changes = {}, beside, expected = [null], parts = {}, fields = usual, send } = task
  const { server } = details
  await warm(details.with({}, parts), fields)
  const changing = Object.keys(changes).length > 0
  const made = changing ? await changeServer(backends, server, verb, changes, expected ? { taskState: expected } : {}, beside?.now) : {}
  const changed = details.with(made, parts)
  if (changing) await tellUpdate(backends, context, server, changed)
  if (action) await recordAction(backends, context, server, action)
  try {
    await send(await instanceOf(changed, fields))
  } catch (error) {
    if (!isLost(error)) throw error
    await undo(backends, context, details, task)
    throw error instanceof Fault ? error : new Fault('undelivered', error.message)
  }
  return changed
}

const isLost = (error: unknown): error is MessageDeliveryFailure | Fault =>
  error instanceof MessageDeliveryFailure || (error instanceof Fault && error.kind === 'undelivered')

/** The broker may have taken the message after all, so the states go back only where they still are what was written. */
async function undo(
  backends: Backends,
  context: RequestContext,
  { server }: Details,
  { changes = {}, beside, action }: Task,
): Promise<void> {
  if (Object.keys(changes).length > 0) {
    const before = Object.fromEntries(Object.keys(changes).map((name) => [name, server[name as keyof typeof server]])) as ServerChanges
    const expected = changes.taskState === undefined ? {} : { taskState: [changes.taskState] }
    await inCell(backends, server, (cell) => cell.transitions.apply(server.uuid, { server: before, ...beside?.before }, expected))
  }
  if (action) await finishAction(backends, context, server, 'Error')
}

/** A `send` that casts to the server's own host. */
export const toCompute =
  <M extends keyof Casts>(backends: Backends, context: RequestContext, { server }: Details, method: M, args: Casts[M]) =>
  (instance: Instance): Promise<void> =>
    castToCompute(backends, context, server, method, instance, args)

/** A `send` that casts to the conductor. */
export const toConductor =
  <M extends keyof Tasks>(backends: Backends, context: RequestContext, method: M, args: Omit<Tasks[M], 'instance'>) =>
  (instance: Instance): Promise<void> =>
    castToConductor(backends, context, method, { instance, ...args } as Tasks[M])
