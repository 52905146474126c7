/** Key pairs of users. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { DuplicateKey } from '../../oslo/database/errors.ts'
import { paged } from '../paging.ts'
import type { ApiTables } from './schema.ts'
import { type ApiRow, from, insert } from './table.ts'

export type KeyPair = ApiRow<'key_pairs'>

export interface NewKeyPair {
  readonly userId: string
  readonly name: string
  readonly type: 'ssh' | 'x509'
  readonly fingerprint: string
  readonly publicKey: string
}

export const keyPairs = (database: Database<ApiTables>, now: () => number) => ({
  find: (userId: string, name: string): Promise<KeyPair | undefined> =>
    database.read((tx) => from(tx, 'key_pairs').where('user_id', '=', userId).where('name', '=', name).executeTakeFirst()),

  /** By name, after the one called `marker`; undefined when that is not there. */
  list: (
    userId: string,
    { limit, marker }: { limit?: number | undefined; marker?: string | undefined } = {},
  ): Promise<KeyPair[] | undefined> =>
    database.read(async (tx) => {
      const query = from(tx, 'key_pairs').where('user_id', '=', userId)
      const last = marker === undefined ? undefined : await query.where('name', '=', marker).executeTakeFirst()
      if (marker !== undefined && !last) return undefined
      const order = ['name', 'id'].map((column) => ({ column, direction: 'asc' as const }))
      return paged(query, { order, after: last && [last.name, last.id], limit }).execute()
    }),

  count: (userId: string): Promise<number> =>
    database.read(async (tx) => {
      const row = await tx
        .selectFrom('key_pairs')
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .where('user_id', '=', userId)
        .executeTakeFirstOrThrow()
      return Number(row.n)
    }),

  /** Undefined when the user has one of that name. */
  create: async (values: NewKeyPair): Promise<KeyPair | undefined> => {
    const row = { ...values, createdAt: toDateTime(now()) }
    try {
      const id = await database.write((tx) => insert(tx, 'key_pairs', row))
      return { ...row, id, updatedAt: null }
    } catch (error) {
      if (error instanceof DuplicateKey) return undefined
      throw error
    }
  },

  /** Whether there was one. */
  remove: (userId: string, name: string): Promise<boolean> =>
    database.write(async (tx) => {
      const { numDeletedRows } = await tx.deleteFrom('key_pairs').where('user_id', '=', userId).where('name', '=', name).executeTakeFirst()
      return numDeletedRows > 0
    }),
})
