/** Columns under our names: the database does the renaming (`display_name AS displayName`), so a row is a domain value as it comes. */
import type { Kysely, Selectable, SelectQueryBuilder } from 'kysely'
import { initial, type Schema, type TablesOf } from '../oslo/database/schema.ts'

/** `display_name` → `displayName` */
export type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S

export type CamelRow<T> = { readonly [K in keyof T & string as Camel<K>]: T[K] }

/** A row of a table under our names. */
export type RowOf<Tables, T extends keyof Tables> = CamelRow<Selectable<Tables[T]>>

/** `display_name` → `displayName` */
export const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** `displayName` → `display_name`; digits keep to the word before them unless the column has a line there. */
export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** What a select lists: every column of a table but those left out, renamed. */
export function selection<S extends Schema, T extends keyof S & string>(schema: S, table: T, without: readonly string[] = []): string[] {
  return Object.keys(schema[table]!.columns)
    .filter((column) => !without.includes(column))
    .map((column) => `${table}.${column} as ${camel(column)}`)
}

/** Values under our names as a row to insert or update, leaving out what is undefined. */
export function rowOf(values: object): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(values)) if (value !== undefined) out[snake(name)] = value
  return out
}

/** What a row may be made or changed with: booleans as such, everything optional. */
export type ValuesOf<Tables, T extends keyof Tables> = Partial<{
  [K in keyof RowOf<Tables, T>]: RowOf<Tables, T>[K] extends infer V ? (V extends 0 | 1 | boolean ? boolean : V) | null : never
}>

/** The stores' way to a schema's tables under our names. */
export function tablesOf<S extends Schema>(schema: S) {
  type Tables = TablesOf<S>
  type Name = keyof Tables & string
  const selections = new Map<string, string[]>()
  const selects = new Map<string, string>()
  const selected = (table: Name) => {
    let found = selections.get(table)
    if (!found) selections.set(table, (found = selection(schema, table as never)))
    return found
  }
  return {
    /** SELECT of all columns of a table; `where` and `orderBy` take the database's names. */
    from: <T extends Name>(tx: Kysely<Tables>, table: T): SelectQueryBuilder<Tables, T, RowOf<Tables, T>> =>
      // biome-ignore lint/suspicious/noExplicitAny: kysely cannot follow columns named at run time
      (tx as unknown as Kysely<any>).selectFrom(table as string).select(selected(table)) as never,
    /** The same as text, for a SELECT written by hand: what follows is its WHERE. */
    selectFrom(table: Name): string {
      let text = selects.get(table)
      if (text === undefined) {
        const columns = selected(table).map((column) => column.replace(/ as (\w+)$/, ' AS "$1"'))
        selects.set(table, (text = `SELECT ${columns.join(', ')} FROM ${table}`))
      }
      return text
    },
    /** INSERT of one row with the defaults of Nova's models; its id. */
    insert: async <T extends Name>(tx: Kysely<Tables>, table: T, values: ValuesOf<Tables, T>): Promise<number> => {
      const row = { ...initial(schema[table]!), ...rowOf(values) }
      // biome-ignore lint/suspicious/noExplicitAny: as above
      const { insertId } = await (tx as unknown as Kysely<any>).insertInto(table).values(row).executeTakeFirstOrThrow()
      return Number(insertId)
    },
    /** INSERT of many rows, a hundred in a statement. */
    insertAll: async <T extends Name>(tx: Kysely<Tables>, table: T, values: readonly ValuesOf<Tables, T>[]): Promise<void> => {
      const rows = values.map((each) => ({ ...initial(schema[table]!), ...rowOf(each) }))
      for (let at = 0; at < rows.length; at += 100)
        // biome-ignore lint/suspicious/noExplicitAny: as above
        await (tx as unknown as Kysely<any>)
          .insertInto(table)
          .values(rows.slice(at, at + 100))
          .execute()
    },
  }
}
