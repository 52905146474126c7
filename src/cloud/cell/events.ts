/** The steps of what is done to servers: events of their actions, and the faults that they leave. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Cell } from '../../stores/cells.ts'
import { told } from './errors.ts'

export interface Step {
  readonly uuid: string
  /** `compute_stop_instance` */
  readonly event: string
  readonly host: string
  readonly context: RequestContext
  /** It may have begun before a crash: the event that it left open goes on. */
  readonly again?: boolean
}

/** Runs it as an event of the action that the request began. nova/compute/utils.py EventReporter */
export async function recorded<T>(cell: Cell, { uuid, event, host, context, again = false }: Step, run: () => Promise<T>): Promise<T> {
  const { requestId } = context
  if (!again || !(await cell.actions.isOpen(uuid, requestId, event))) await cell.actions.startEvent(uuid, requestId, event, host)
  let result: T
  try {
    result = await run()
  } catch (error) {
    const { message, traceback } = told(error)
    await cell.actions.finishEvent(uuid, requestId, event, { result: 'Error', details: message, traceback })
    throw error
  }
  await cell.actions.finishEvent(uuid, requestId, event, { result: 'Success' })
  return result
}

/** Ends an event that a crash left open, when what it tells of had been done. */
export async function closeEvent(cell: Cell, { uuid, event, context }: Step): Promise<void> {
  if (await cell.actions.isOpen(uuid, context.requestId, event))
    await cell.actions.finishEvent(uuid, context.requestId, event, { result: 'Success' })
}

/** Notes what went wrong with a server. `message` replaces the error's own. nova/compute/utils.py add_instance_fault_from_exc */
export async function addFault(cell: Cell, uuid: string, host: string, error: unknown, message?: string): Promise<void> {
  const { code, message: usual, traceback } = told(error)
  await cell.faults.add({ instanceUuid: uuid, code, message: message ?? usual, host, details: code === 500 ? traceback : '' })
}
