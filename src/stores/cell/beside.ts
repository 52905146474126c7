/** What belongs to servers beside their rows: as much of it as is wanted, of a whole page, in one statement. */
import type { Database } from '../../oslo/database/database.ts'
import type { Fragments } from '../../oslo/database/driver.ts'
import { parsed } from '../parsed.ts'
import { inList } from '../rows.ts'
import type { CellTables } from './schema.ts'

export type Pairs = Readonly<Record<string, string | null>>

export interface AttachedVolume {
  readonly volumeId: string
  readonly deleteOnTermination: boolean
}

/** What comes back is shared, so nobody may change it. */
export interface Beside {
  /** What users have set. */
  readonly metadata: Pairs
  /** What Nova notes for itself. */
  readonly systemMetadata: Pairs
  /** Sorted. */
  readonly tags: readonly string[]
  /** In the order of their making. */
  readonly volumes: readonly AttachedVolume[]
}

export const besideParts: readonly (keyof Beside)[] = ['metadata', 'systemMetadata', 'tags', 'volumes']

export const beside = (database: Database<CellTables>) => ({
  /** These parts of each server that is there; one of which it has nothing is empty. */
  of: async <P extends keyof Beside>(uuids: readonly string[], parts: readonly P[]): Promise<Map<string, Pick<Beside, P>>> => {
    if (uuids.length === 0) return new Map()
    const columns = parts.map((part) => `${selectBeside(database.fragments, part)} AS "${part}"`)
    const sql = `SELECT uuid, ${columns.join(', ')} FROM instances WHERE uuid IN ${inList(uuids.length)}`
    const rows = await database.rows<{ uuid: string } & { [K in P]: string | null }>(sql, uuids)
    return new Map(rows.map((row) => [row.uuid, readBeside<P>(row, parts)]))
  },
})

const fromPairs = (table: string) => `FROM ${table} WHERE instance_uuid = instances.uuid AND deleted = 0`

/** A column of a SELECT from instances: the part as JSON text. */
export function selectBeside({ objectOf, listOf }: Fragments, part: keyof Beside): string {
  switch (part) {
    case 'metadata':
      return `(SELECT ${objectOf('key', 'value')} ${fromPairs('instance_metadata')})`
    case 'systemMetadata':
      // Of deleted servers it is still shown. nova/db/main/api.py _instance_system_metadata_get_multi
      return `(SELECT ${objectOf('key', 'value')} FROM instance_system_metadata WHERE instance_uuid = instances.uuid AND (instance_system_metadata.deleted = 0 OR instances.deleted <> 0))`
    case 'tags':
      return `(SELECT ${listOf(['tag'])} FROM tags WHERE resource_id = instances.uuid)`
    case 'volumes':
      return `(SELECT ${listOf(['id', 'volume_id', 'delete_on_termination'])} ${fromPairs('block_device_mapping')} AND volume_id IS NOT NULL)`
  }
}

/** From the columns that `selectBeside` makes; an engine may give null for what is empty. */
export function readBeside<P extends keyof Beside>(row: { readonly [K in P]: string | null }, parts: readonly P[]): Pick<Beside, P> {
  return Object.fromEntries(parts.map((part) => [part, readers[part](row[part])])) as Pick<Beside, P>
}

const none = Object.freeze({})
const nothing: readonly never[] = Object.freeze([])

const pairsFrom = (text: string | null): Pairs => parsed<Pairs>(text) ?? none

type Device = readonly [id: number, volumeId: string, deleteOnTermination: boolean | 0 | 1 | null]

const readers: { readonly [P in keyof Beside]: (text: string | null) => Beside[P] } = {
  metadata: pairsFrom,
  systemMetadata: pairsFrom,
  tags: (text) => (text === null ? nothing : (JSON.parse(text) as [string][]).map(([tag]) => tag)),
  volumes: (text) =>
    text === null
      ? nothing
      : (JSON.parse(text) as Device[])
          .sort(([one], [other]) => one - other)
          .map(([, volumeId, gone]) => ({ volumeId, deleteOnTermination: Boolean(gone) })),
}
