/** Migrations of all servers: resizes, cold and live migrations, evacuations. */
import { camel } from '../stores/camel.ts'
import { type Migration, type MigrationFilter, migrationOrder } from '../stores/cell/migrations.ts'
import { type Answer, answered } from '../stores/cells.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'

/** Those of all cells, one cell after the other. */
export async function listMigrations(backends: Backends, filter: MigrationFilter): Promise<Migration[]> {
  const answers = await backends.stores.cells.gather((cell) => cell.migrations.list(filter))
  return unlessDown(backends, answers).flatMap(({ value }) => value)
}

/** A page of those of all cells, newest first, behind that with the UUID `marker`. Throws `markerMissing`. */
export async function pageOfMigrations(
  backends: Backends,
  filter: MigrationFilter,
  { limit, marker }: { limit: number; marker?: string | undefined },
): Promise<Migration[]> {
  // With a limit of 0 nothing is asked, so that a marker which is not there does not matter either
  if (limit === 0) return []
  const after = marker ? sortValues(await findMarker(backends, marker)) : undefined
  const answers = await backends.stores.cells.gather((cell) => cell.migrations.list(filter, { limit, after }))
  const all = unlessDown(backends, answers).flatMap(({ value }) => value)
  return newest(all.sort(compared).slice(0, limit))
}

function unlessDown<T>({ settings, log }: Backends, answers: readonly Answer<T>[]) {
  const silent = answers.find((answer) => !answered(answer))
  if (silent && !settings.api.listRecordsBySkippingDownCells) throw new Fault('cellDown', silent.cell.uuid)
  if (silent) log.warning(`The cell ${silent.cell.uuid} does not answer: its migrations are left out.`)
  return answers.filter(answered)
}

async function findMarker({ stores }: Backends, marker: string): Promise<Migration> {
  const answers = await stores.cells.gather((cell) => cell.migrations.findByUuid(marker))
  const found = answers.filter(answered).find(({ value }) => value !== undefined)
  if (!found) throw new Fault('markerMissing', marker)
  return found.value!
}

const sortValues = (migration: Migration): unknown[] => migrationOrder.map(({ column }) => migration[camel(column) as keyof Migration])

function compared(one: Migration, other: Migration): number {
  const [a, b] = [sortValues(one), sortValues(other)] as [string[], string[]]
  for (const [i, { direction }] of migrationOrder.entries()) if (a[i] !== b[i]) return a[i]! < b[i]! === (direction === 'asc') ? -1 : 1
  return 0
}

/** While a server is between two cells both have the record of its move: the one changed last counts. */
function newest(sorted: readonly Migration[]): Migration[] {
  const byUuid = new Map<string, Migration>()
  const changed = ({ updatedAt, createdAt }: Migration): string => updatedAt ?? createdAt ?? ''
  for (const migration of sorted) {
    const known = byUuid.get(migration.uuid!)
    if (!known || changed(migration) >= changed(known)) byUuid.set(migration.uuid!, migration)
  }
  return [...byUuid.values()]
}
