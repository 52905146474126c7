/** What went wrong with servers. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, type CellValues, from, insert } from './table.ts'

export type ServerFault = CellRow<'instance_faults'>

export const faults = (database: Database<CellTables>, now: () => number) => ({
  /** The last one of each server; one without any is absent. */
  latestOf: (uuids: readonly string[]): Promise<Map<string, ServerFault>> =>
    database.read(async (tx) => {
      if (uuids.length === 0) return new Map()
      const rows = await from(tx, 'instance_faults')
        .where('id', 'in', (eb) =>
          eb
            .selectFrom('instance_faults')
            .select((inner) => inner.fn.max('id').as('id'))
            .where('instance_uuid', 'in', uuids)
            .where('deleted', '=', 0)
            .groupBy('instance_uuid'),
        )
        .execute()
      return new Map(rows.map((row) => [row.instanceUuid!, row]))
    }),

  /** Texts longer than their columns are cut. */
  add: (values: CellValues<'instance_faults'> & { instanceUuid: string; code: number }): Promise<number> =>
    database.write((tx) =>
      insert(tx, 'instance_faults', { ...values, message: values.message?.slice(0, 255) ?? null, createdAt: toDateTime(now()) }),
    ),
})

export type Faults = ReturnType<typeof faults>
