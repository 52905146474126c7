/**
 * The cells: one database each, found through nova_api's cell mappings. They are asked side by side with a deadline, so that a cell that is down
 * costs its deadline and not the answer.
 */
import { type Database, openDatabase } from '../oslo/database/database.ts'
import { type CellMapping, type CellMappings, cell0Uuid } from './api/mappings.ts'
import { actions } from './cell/actions.ts'
import { pciDevices, shareMappings } from './cell/attachments.ts'
import { births } from './cell/births.ts'
import { blockDevices } from './cell/block-devices.ts'
import { consoleTokens } from './cell/console-tokens.ts'
import { imageIntegers, serverIntegers } from './cell/ec2-ids.ts'
import { serverExtra } from './cell/extra.ts'
import { faults } from './cell/faults.ts'
import { guests } from './cell/guests.ts'
import { hosts } from './cell/hosts.ts'
import { interruptions } from './cell/interruptions.ts'
import { metadata, systemMetadata } from './cell/metadata.ts'
import { migrations } from './cell/migrations.ts'
import { networkInfo, virtualInterfaces } from './cell/network-info.ts'
import { occupancy } from './cell/occupancy.ts'
import { ran } from './cell/ran.ts'
import { type CellTables, cellSchema } from './cell/schema.ts'
import { servers } from './cell/servers.ts'
import { computeNodes, services } from './cell/services.ts'
import { tags } from './cell/tags.ts'
import { transitions } from './cell/transitions.ts'

/** What one cell's database holds. `cellId` is the id of its mapping. */
export const cellStore = (database: Database<CellTables>, now: () => number, cellId: number) => ({
  database,
  servers: servers(database, now, cellId),
  guests: guests(database),
  serverIntegers: serverIntegers(database, now),
  imageIntegers: imageIntegers(database, now),
  metadata: metadata(database, now),
  systemMetadata: systemMetadata(database, now),
  tags: tags(database),
  faults: faults(database, now),
  blockDevices: blockDevices(database, now),
  actions: actions(database, now),
  services: services(database, now),
  computeNodes: computeNodes(database, now),
  migrations: migrations(database, now),
  births: births(database, now),
  transitions: transitions(database, now),
  serverExtra: serverExtra(database, now),
  networkInfo: networkInfo(database, now),
  virtualInterfaces: virtualInterfaces(database, now),
  consoleTokens: consoleTokens(database, now),
  occupancy: occupancy(database),
  interruptions: interruptions(database),
  hosts: hosts(database),
  ran: ran(database),
  pciDevices: pciDevices(database),
  shareMappings: shareMappings(database, now),
})

export type CellStore = ReturnType<typeof cellStore>

/** A cell that can be asked. */
export interface Cell extends CellStore {
  /** The mapping's id in nova_api. */
  readonly id: number
  readonly uuid: string
  readonly name: string | null
  /** Where its services listen; null for cell0, which has none. */
  readonly transportUrl: string | null
}

/** What a cell answered, or why it did not. */
export type Answer<T> =
  | { readonly cell: Cell; readonly value: T }
  | { readonly cell: { id: number; uuid: string }; readonly error: unknown }

export const answered = <T>(answer: Answer<T>): answer is { cell: Cell; value: T } => 'value' in answer

export interface CellsOptions {
  readonly mappings: CellMappings
  readonly now: () => number
  /** How long a cell may take; Nova's CELL_TIMEOUT is 60. */
  readonly deadlineSeconds: number
  /** Fills in `{scheme}://{username}…` templates of mappings; the URL as it is, when absent. */
  readonly expand?: (template: string, kind: 'database' | 'transport') => string
  /** Opens a cell's database; for tests. */
  readonly open?: (url: string) => Promise<Database<CellTables>>
}

export class CellTimeout extends Error {
  override readonly name = 'CellTimeout'
}

export interface Cells {
  /** Every enabled cell that could be opened, cell0 first; read anew when a cell is asked for that is not known. */
  all(): Promise<Cell[]>
  /** The cell with this mapping id; undefined when there is none. Throws what opening its database throws. */
  byId(id: number): Promise<Cell | undefined>
  /** Asks cells side by side; each answers, fails or runs out of time. All of them unless `only` says which. */
  gather<T>(ask: (cell: Cell) => Promise<T>, only?: readonly number[]): Promise<Answer<T>[]>
  close(): Promise<void>
}

export function openCells({ mappings, now, deadlineSeconds, expand = (url) => url, open = openCell }: CellsOptions): Cells {
  let known: CellMapping[] | undefined
  const opened = new Map<number, Promise<Cell>>()

  async function list(refresh = false): Promise<CellMapping[]> {
    if (!known || refresh) known = await mappings.list()
    return known
  }

  function cellOf(mapping: CellMapping): Promise<Cell> {
    let cell = opened.get(mapping.id)
    if (!cell) {
      cell = open(expand(mapping.databaseConnection ?? '', 'database')).then((database) => ({
        ...cellStore(database, now, mapping.id),
        id: mapping.id,
        uuid: mapping.uuid!,
        name: mapping.name,
        transportUrl: mapping.uuid === cell0Uuid ? null : expand(mapping.transportUrl ?? '', 'transport'),
      }))
      opened.set(mapping.id, cell)
      // One that could not be opened is tried again the next time
      cell.catch(() => opened.delete(mapping.id))
    }
    return cell
  }

  async function byId(id: number): Promise<Cell | undefined> {
    const mapping = (await list()).find((each) => each.id === id) ?? (await list(true)).find((each) => each.id === id)
    return mapping && cellOf(mapping)
  }

  /** Those that are asked for by id, disabled or not (nova/context.py scatter_gather_single_cell), or every enabled one. */
  async function chosen(only: readonly number[] | undefined): Promise<CellMapping[]> {
    if (!only) return (await list()).filter((mapping) => !mapping.disabled)
    const mappings = await list()
    const all = only.every((id) => mappings.some((mapping) => mapping.id === id)) ? mappings : await list(true)
    return all.filter((mapping) => only.includes(mapping.id))
  }

  return {
    byId,
    async all() {
      const enabled = (await list()).filter((mapping) => !mapping.disabled)
      const cells = await Promise.allSettled(enabled.map(cellOf))
      return cells.flatMap((cell) => (cell.status === 'fulfilled' ? [cell.value] : []))
    },
    async gather(ask, only) {
      const wanted = await chosen(only)
      return Promise.all(
        wanted.map(async (mapping) => {
          const { id, uuid } = mapping
          try {
            return await within(deadlineSeconds, async () => {
              const cell = await cellOf(mapping)
              return { cell, value: await ask(cell) }
            })
          } catch (error) {
            return { cell: { id, uuid: uuid! }, error }
          }
        }),
      )
    },
    async close() {
      const cells = await Promise.allSettled(opened.values())
      opened.clear()
      await Promise.all(cells.flatMap((cell) => (cell.status === 'fulfilled' ? [cell.value.database.close()] : [])))
    },
  }
}

const openCell = (url: string): Promise<Database<CellTables>> => openDatabase(url, { schema: cellSchema })

async function within<T>(seconds: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new CellTimeout(`no answer in ${seconds} s`)), seconds * 1000)
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}
