/** How every method on a server runs: in its turn, on the server as it is now, as an event of its action, and with what a failure leaves behind. */
import type { RequestContext } from '../../../oslo/context.ts'
import type { Method } from '../../../oslo/messaging/rpc-server.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { fromHypervisor, isConflict, isGone, isNova, nova } from '../errors.ts'
import { addFault, closeEvent, recorded } from '../events.ts'
import type { Host } from '../parts.ts'
import type { Tasks } from '../states.ts'

export type Args = Readonly<Record<string, unknown>>

/** What a method has to do with. */
export interface Job {
  readonly context: RequestContext
  readonly server: Server
  readonly args: Args
  /** The message may have been here before a crash. */
  readonly again: boolean
}

export interface Verb {
  readonly run: (host: Host, job: Job) => Promise<unknown>
  /**
   * Task states in which it finds something to do; any when absent. In another the message has come before, or somebody has changed the state since:
   * Nova would put the server in error.
   */
  readonly during?: Tasks
  /** Ends what came after the last change of state, for a message that comes again when its server has moved on. */
  readonly leftovers?: (host: Host, job: Job) => Promise<void>
  /** The event of the action, where it is not called as the method is; null is none. */
  readonly event?: string | null
  /** A failure leaves the task state as it is. */
  readonly keepsTask?: true
  /** A failure leaves no fault, but where the verb notes one itself. */
  readonly faultless?: true
  /** Waits for nothing else that is done with the server. */
  readonly atOnce?: true
  /** Classes of errors that are no surprise. */
  readonly expected?: readonly string[]
}

/** The UUID of the server that a message is about: an Instance in its wire form. */
export function uuidOf(instance: unknown): string {
  const data = (instance as { 'nova_object.data'?: { uuid?: unknown } } | null)?.['nova_object.data']
  if (typeof data?.uuid === 'string') return data.uuid
  throw nova('InvalidInput', { reason: 'the message names no server' })
}

/** A verb as a method that messages can reach. `name` is Nova's. */
export const method =
  (host: Host, name: string, verb: Verb): Method =>
  (context, args, { redelivered }) => {
    const uuid = uuidOf(args.instance)
    const { work } = host
    const run = () => perform(host, name, verb, { uuid, context, args, again: redelivered })
    return work.on([uuid], () => (verb.atOnce ? run() : work.inTurn(uuid, run)))
  }

interface Order extends Omit<Job, 'server'> {
  readonly uuid: string
}

/** The same without a message, for who has the server's turn already. */
export async function perform(host: Host, name: string, verb: Verb, { uuid, ...order }: Order): Promise<unknown> {
  const { cell } = host
  const event = verb.event === undefined ? `compute_${name}` : verb.event
  const step = event === null ? null : { uuid, event, host: host.name, context: order.context, again: order.again }
  const server = await cell.servers.find(uuid)
  if (!server && !order.again) throw nova('InstanceNotFound', { instance_id: uuid })
  if (!server || (verb.during && !verb.during.includes(server.taskState as never))) {
    if (order.again && server) await verb.leftovers?.(host, { ...order, server })
    if (order.again && step) await closeEvent(cell, step)
    return null
  }
  const job = { ...order, server }
  const work = () => (verb.faultless ? verb.run(host, job) : withFault(host, server, async () => (await verb.run(host, job)) ?? null))
  try {
    return await (step ? recorded(cell, step, work) : work())
  } catch (error) {
    if (!verb.keepsTask && !isConflict(error)) await clearTask(host, uuid)
    throw error
  }
}

/** nova/compute/manager.py wrap_instance_fault */
export async function withFault<T>(host: Host, { uuid }: Pick<Server, 'uuid'>, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    const error = fromHypervisor(cause, uuid)
    if (!isNova(error, 'InstanceNotFound')) await addFault(host.cell, uuid, host.name, error)
    throw error
  }
}

/** nova/compute/manager.py reverts_task_state; who deletes the server is not disturbed. */
async function clearTask({ cell, log }: Host, uuid: string): Promise<void> {
  const server = await cell.servers.find(uuid)
  if (!server?.taskState || server.taskState === 'deleting' || server.taskState === 'soft-deleting') return
  log.info(`Successfully reverted task state from ${server.taskState} on failure for instance.`, { instance: uuid })
  await cell.servers.update(uuid, { taskState: null }, { taskState: [server.taskState] })
}

/**
 * Runs a part of a method; when it fails, the server is in error, or back in the state it had where nothing was lost.
 * nova/compute/manager.py ComputeManager._error_out_instance_on_exception
 */
export async function orError<T>(host: Host, uuid: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    const error = fromHypervisor(cause, uuid)
    if (!isGone(error)) await host.cell.servers.update(uuid, { vmState: 'error' })
    throw error
  }
}
