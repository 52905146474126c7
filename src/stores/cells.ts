/**
 * The cells: one database each, found through nova_api's cell mappings. They are asked side by side with a deadline, so that a cell that is down
 * costs its deadline and not the answer.
 */
import { type Database, openDatabase } from '../oslo/database/database.ts'
import { DatabaseUnavailable } from '../oslo/database/errors.ts'
import type { ConnectionSettings } from '../oslo/database/options.ts'
import { type CellMapping, type CellMappings, cell0Uuid } from './api/mappings.ts'
import { actions } from './cell/actions.ts'
import { pciDevices, shareMappings } from './cell/attachments.ts'
import { beside } from './cell/beside.ts'
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
  beside: beside(database),
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
  /** How to connect to their databases. */
  readonly settings?: ConnectionSettings
  /** Opens a cell's database; for tests. */
  readonly open?: (url: string) => Promise<Database<CellTables>>
  /** Told of a cell that does not answer, whenever it was asked. */
  readonly report?: (cell: { readonly uuid: string; readonly name: string | null }, error: unknown) => void
}

/** After so long the mappings are read again. */
const mappingsMs = 60_000

/** How long a cell may take to be reached that did not answer the last time. */
const secondsForSilent = 1

export class CellTimeout extends Error {
  override readonly name = 'CellTimeout'
}

export interface Cells {
  /** Every cell that could be opened, cell0 first; read anew when a cell is asked for that is not known. */
  all(): Promise<Cell[]>
  /** The cell with this mapping id; undefined when there is none. Throws what opening its database throws. */
  byId(id: number): Promise<Cell | undefined>
  /** Asks cells side by side; each answers, fails or runs out of time. All of them unless `only` says which. */
  gather<T>(ask: (cell: Cell) => Promise<T>, only?: readonly number[]): Promise<Answer<T>[]>
  close(): Promise<void>
}

export function openCells({
  mappings,
  now,
  deadlineSeconds,
  settings,
  expand = (url) => url,
  open = (url) => openDatabase(url, { schema: cellSchema, ...(settings && { settings }) }),
  report = () => {},
}: CellsOptions): Cells {
  let known: CellMapping[] | undefined
  let readAt = 0
  const opened = new Map<number, Promise<Cell>>()
  /** Cells that did not answer when they were asked last. */
  const silent = new Set<number>()

  async function read(): Promise<CellMapping[]> {
    readAt = performance.now()
    const found = await mappings.list()
    for (const { id, databaseConnection, transportUrl } of found) {
      const before = known?.find((each) => each.id === id)
      if (before && (before.databaseConnection !== databaseConnection || before.transportUrl !== transportUrl)) forget(id)
    }
    known = found
    return found
  }

  /** Read once, then now and then while others are not kept waiting; Nova wants to be restarted for a new cell. */
  async function list(refresh = false): Promise<CellMapping[]> {
    if (!known || refresh) return read()
    if (performance.now() - readAt > mappingsMs) read().catch(() => undefined)
    return known
  }

  function forget(id: number): void {
    opened
      .get(id)
      ?.then(({ database }) => database.close())
      .catch(() => undefined)
    opened.delete(id)
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

  /** Those that are asked for by id, or all: a disabled cell only gets no more servers (nova/context.py load_cells). */
  async function chosen(only: readonly number[] | undefined): Promise<CellMapping[]> {
    const mappings = await list()
    if (!only) return mappings
    const all = only.every((id) => mappings.some((mapping) => mapping.id === id)) ? mappings : await list(true)
    return all.filter((mapping) => only.includes(mapping.id))
  }

  /** The cell, once it has been reached. One that was silent the last time gets little time for that, so that it costs its deadline once. */
  async function reached(mapping: CellMapping): Promise<Cell> {
    if (!silent.has(mapping.id)) return cellOf(mapping)
    return within(Math.min(deadlineSeconds, secondsForSilent), async () => {
      const cell = await cellOf(mapping)
      await cell.database.rows('SELECT 1')
      silent.delete(mapping.id)
      return cell
    })
  }

  async function answerOf<T>(mapping: CellMapping, ask: (cell: Cell) => Promise<T>): Promise<Answer<T>> {
    try {
      return await within(deadlineSeconds, async () => {
        const cell = await reached(mapping)
        return { cell, value: await ask(cell) }
      })
    } catch (error) {
      const { id, name } = mapping
      const uuid = mapping.uuid!
      if (error instanceof CellTimeout || error instanceof DatabaseUnavailable) silent.add(id)
      report({ uuid, name }, error)
      return { cell: { id, uuid }, error }
    }
  }

  return {
    byId,
    async all() {
      const cells = await Promise.allSettled((await list()).map((mapping) => within(deadlineSeconds, () => reached(mapping))))
      return cells.flatMap((cell) => (cell.status === 'fulfilled' ? [cell.value] : []))
    },
    gather: async (ask, only) => Promise.all((await chosen(only)).map((mapping) => answerOf(mapping, ask))),
    async close() {
      const closed = [...opened.values()].map((cell) => cell.then(({ database }) => database.close()).catch(() => undefined))
      opened.clear()
      // One that is still being reached is closed when it has been; nobody waits for that
      await within(deadlineSeconds, () => Promise.all(closed)).catch(() => undefined)
    },
  }
}

async function within<T>(seconds: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new CellTimeout(`no answer in ${seconds} s`)), seconds * 1000)
  })
  const working = work()
  try {
    return await Promise.race([working, late])
  } finally {
    working.catch(() => undefined)
    clearTimeout(timer)
  }
}
