/** How the conductor's tasks run: the servers that they are about count as worked on from the moment a message comes. */
import type { RequestContext } from '../../../oslo/context.ts'
import type { Method } from '../../../oslo/messaging/rpc-server.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { type Args, uuidOf } from '../compute/method.ts'
import { addFault } from '../events.ts'
import { homeOf } from '../home.ts'
import type { CellParts } from '../parts.ts'
import { save } from '../server.ts'
import type { VmState } from '../states.ts'

export interface TaskJob {
  readonly context: RequestContext
  readonly args: Args
  /** The message may have been here before a crash. */
  readonly again: boolean
}

export type Task = (parts: CellParts, job: TaskJob) => Promise<unknown>

/** A task about one server, in its own cell. It waits for its turn. */
export const serverTask =
  (parts: CellParts, task: (parts: CellParts, uuid: string, job: TaskJob) => Promise<unknown>): Method =>
  (context, args, { redelivered: again }) => {
    const uuid = uuidOf(args.instance)
    const run = async () => task(await homeOf(parts, uuid), uuid, { context, args, again })
    return parts.work.on([uuid], () => parts.work.inTurn(uuid, run))
  }

/** A task about several servers; it waits for the turn of each by itself. */
export const serversTask =
  (parts: CellParts, uuids: (args: Args) => readonly string[], task: Task): Method =>
  (context, args, { redelivered: again }) =>
    parts.work.on(uuids(args), () => task(parts, { context, args, again }))

/** Ends a server's task with what went wrong. nova/scheduler/utils.py set_vm_state_and_notify */
export async function giveUp(parts: CellParts, server: Server, vmState: VmState, error: unknown): Promise<void> {
  await save(parts, server, { vmState, taskState: null })
  await addFault(parts.cell, server.uuid, parts.settings.controller, error)
}
