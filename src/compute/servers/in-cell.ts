/** Asks the cell that holds a server, which may be down. */
import { DatabaseUnavailable } from '../../oslo/database/errors.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { type Cell, CellTimeout } from '../../stores/cells.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'

/** Throws `cellDown` when the cell does not answer in time, and `serverNotReady` when no cell holds the server yet. */
export async function inCell<T>(
  { stores }: Pick<Backends, 'stores'>,
  { cellId, uuid }: Pick<Server, 'cellId' | 'uuid'>,
  work: (cell: Cell) => Promise<T>,
): Promise<T> {
  if (cellId === null) throw new Fault('serverNotReady', uuid)
  const [answer] = await stores.cells.gather(work, [cellId])
  if (!answer) throw new Fault('cellDown', cellId)
  if (!('error' in answer)) return answer.value
  if (answer.error instanceof CellTimeout || answer.error instanceof DatabaseUnavailable) throw new Fault('cellDown', answer.cell.uuid)
  throw answer.error
}

/** The same; `none` for a server that no cell holds yet, of which no cell knows anything. */
export const inCellOr = async <T>(
  backends: Pick<Backends, 'stores'>,
  server: Pick<Server, 'cellId' | 'uuid'>,
  none: T,
  work: (cell: Cell) => Promise<T>,
): Promise<T> => (server.cellId === null ? none : inCell(backends, server, work))
