/** Changes a server's row, under the condition that its states are still those that were checked. */
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { Expected, Server, ServerChanges } from '../../stores/cell/servers.ts'
import type { Transition } from '../../stores/cell/transitions.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { inCell } from './in-cell.ts'
import { type Verb, wrongState } from './states.ts'

/** What is changed beside the row, in the same transaction. */
export type Beside = Omit<Transition, 'server'>

/** The changes as they are now in the database. Throws `wrongState` when somebody else was faster, `serverNotFound` when the server went away. */
export async function changeServer(
  backends: Backends,
  server: Server,
  verb: Verb | null,
  changes: ServerChanges,
  expected: Expected = {},
  beside: Beside = {},
): Promise<ServerChanges> {
  const made = await inCell(backends, server, (cell) => cell.transitions.apply(server.uuid, { server: changes, ...beside }, expected))
  if (made) return { ...changes, updatedAt: toDateTime(backends.clock.now()) }
  const now = await inCell(backends, server, (cell) => cell.servers.find(server.uuid))
  if (!now || !verb) throw new Fault('serverNotFound', server.uuid)
  const { taskState } = expected
  throw wrongState(now, verb, taskState && !taskState.includes(now.taskState) ? 'task_state' : 'vm_state')
}
