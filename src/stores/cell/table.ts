/** The tables of a cell under our names. */
import type { RowOf, ValuesOf } from '../camel.ts'
import { tablesOf } from '../camel.ts'
import { type CellTables, cellSchema } from './schema.ts'

export const { from, insert, selectFrom } = tablesOf(cellSchema)
export type CellRow<T extends keyof CellTables> = RowOf<CellTables, T>
export type CellValues<T extends keyof CellTables> = ValuesOf<CellTables, T>
