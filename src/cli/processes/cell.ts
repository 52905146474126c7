/** The cell: first of all Nova's databases, for which the applications wait, and then what runs over them. */
import { randomUUID } from 'node:crypto'
import { prepareDatabases } from '../../cloud/databases.ts'
import { layout } from '../../cloud/state.ts'
import type { Program } from './program.ts'

export const program: Program = async (place) => {
  await prepareDatabases(layout(place.state), { clock: { now: () => Date.now() }, ids: { uuid: () => randomUUID() }, cells: place.cells })
  // loaded only now: it is most of what there is to load
  const { runCell } = await import('./running-cell.ts')
  return runCell(place)
}
