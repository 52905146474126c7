/** The tables of nova_api under our names. */
import type { RowOf, ValuesOf } from '../camel.ts'
import { tablesOf } from '../camel.ts'
import { type ApiTables, apiSchema } from './schema.ts'

export const { from, insert, insertAll, selectFrom } = tablesOf(apiSchema)
export type ApiRow<T extends keyof ApiTables> = RowOf<ApiTables, T>
export type ApiValues<T extends keyof ApiTables> = ValuesOf<ApiTables, T>
