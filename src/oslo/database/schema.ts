/**
 * Tables declared once: from a declaration come the row types that Kysely works with and, in `ddl.ts`, the statements that create the
 * tables. Names are those of the database. A column may be null unless it is `required()`.
 *
 *     const schema = {
 *       tags: table({ resource_id: string(36).required(), tag: string(80).required() }, { primaryKey: ['resource_id', 'tag'] }),
 *     } satisfies Schema
 *     type Tables = TablesOf<typeof schema>          // what Kysely<Tables> wants
 */
import type { ColumnType } from 'kysely'

/** `YYYY-MM-DD HH:MM:SS` with up to six digits of a second's fraction, in UTC; see `datetime.ts`. */
export type DateTimeText = string

/** A JSON document as text. */
export type JsonText = string

/** What engines answer for a boolean. Read it with `Boolean()`; write `true` and `false`. */
export type StoredBoolean = boolean | 0 | 1

export type Kind = 'integer' | 'bigint' | 'float' | 'boolean' | 'datetime' | 'string' | 'text' | 'mediumText' | 'choice' | 'address'

/** Whether an insert may leave a column out: null then, never, or the database fills it. */
export type Need = 'optional' | 'required' | 'filled'

/** What is declared of a column. */
export interface ColumnFacts {
  readonly kind: Kind
  /** Characters of a `string`, or what an `address` takes as text. */
  readonly length?: number
  /** Members of a `choice`. */
  readonly values?: readonly string[]
  /** What PostgreSQL calls the type of a `choice`. */
  readonly typeName?: string
  readonly nullable: boolean
  /** Filled by the database when an insert says nothing. */
  readonly default?: string | number
  readonly autoincrement?: boolean
  /** Filled by Nova's models, not by the database; see `initial`. */
  readonly initial?: string | number | boolean
}

/** A column: `Read` and `Write` are the types of a value that is not null. */
export class Column<Read = unknown, Write = Read, N extends Need = Need, Initial = unknown> {
  /** For inference only. */
  declare readonly types: { read: Read; write: Write; need: N; initial: Initial }
  readonly facts: ColumnFacts

  constructor(facts: ColumnFacts) {
    this.facts = facts
  }

  /** NOT NULL. */
  required(): Column<Read, Write, 'required', Initial> {
    return new Column({ ...this.facts, nullable: false })
  }

  /** NOT NULL with a default that the database knows. */
  default(value: Write & (string | number)): Column<Read, Write, 'filled', Initial> {
    return new Column({ ...this.facts, nullable: false, default: value })
  }

  /** A default that only Nova's models know: the database leaves null, so inserts have to write it; see `initial`. */
  initially(value: Write & (string | number | boolean)): Column<Read, Write, N, Write> {
    return new Column({ ...this.facts, initial: value })
  }
}

type Optional<Read, Write = Read> = Column<Read, Write, 'optional', never>

const optional = <Read, Write = Read>(facts: Omit<ColumnFacts, 'nullable'>): Optional<Read, Write> =>
  new Column({ ...facts, nullable: true })

export const integer = (): Optional<number> => optional({ kind: 'integer' })
/** 64 bits; a number here, exact up to 2^53. */
export const bigint = (): Optional<number> => optional({ kind: 'bigint' })
export const float = (): Optional<number> => optional({ kind: 'float' })
export const boolean = (): Optional<StoredBoolean, boolean> => optional({ kind: 'boolean' })
export const datetime = (): Optional<DateTimeText> => optional({ kind: 'datetime' })
export const string = (length: number): Optional<string> => optional({ kind: 'string', length })
/** Up to 64 KiB in MariaDB. */
export const text = (): Optional<string> => optional({ kind: 'text' })
/** Up to 16 MiB in MariaDB. */
export const mediumText = (): Optional<string> => optional({ kind: 'mediumText' })
/** JSON in a `text`. */
export const json = (): Optional<JsonText> => optional({ kind: 'text' })
/** JSON in a `mediumText`. */
export const mediumJson = (): Optional<JsonText> => optional({ kind: 'mediumText' })
/** One of a few words; `typeName` is its type in PostgreSQL. */
export const choice = <const V extends readonly string[]>(typeName: string, values: V): Optional<V[number]> =>
  optional({ kind: 'choice', values, typeName })
/** An IP address or a network; `inet` in PostgreSQL, text elsewhere. */
export const address = (length: 39 | 43): Optional<string> => optional({ kind: 'address', length })

type Id = Column<number, number, 'filled', never>
/** The primary key that the database counts up. */
export const id = (): Id => new Column({ kind: 'integer', nullable: false, autoincrement: true })
/** As `id`, of 64 bits. */
export const bigId = (): Id => new Column({ kind: 'bigint', nullable: false, autoincrement: true })

export type Columns = Readonly<Record<string, Column>>

/** Column, what it points to as `table.column`, and the constraint's name where Nova gave one. */
export type ForeignKey<Name extends string = string> = readonly [column: Name, target: `${string}.${string}`, name?: string]

export interface Rules<Name extends string = string> {
  /** The autoincrement column when absent. */
  readonly primaryKey?: readonly Name[]
  readonly primaryKeyName?: string
  /** Constraints by name. */
  readonly unique?: Readonly<Record<string, readonly Name[]>>
  readonly indexes?: Readonly<Record<string, readonly Name[]>>
  readonly uniqueIndexes?: Readonly<Record<string, readonly Name[]>>
  readonly foreignKeys?: readonly ForeignKey<Name>[]
  /** What only MySQL and MariaDB have. */
  readonly mysql?: {
    /** `utf8` when absent. */
    readonly charset?: 'latin1'
    readonly collate?: string
    readonly columnCharsets?: { readonly [K in Name]?: string }
    readonly indexes?: Readonly<Record<string, readonly Name[]>>
    /** Characters of a column that an index takes, by index. */
    readonly prefixes?: Readonly<Record<string, { readonly [K in Name]?: number }>>
  }
}

export interface Table<C extends Columns = Columns> {
  readonly columns: C
  readonly primaryKey: readonly string[]
  readonly rules: Rules
}

/** Tables by name. */
export type Schema = Readonly<Record<string, Table>>

export function table<C extends Columns>(columns: C, rules: Rules<keyof C & string> = {}): Table<C> {
  const counted = Object.keys(columns).filter((name) => columns[name]!.facts.autoincrement)
  return { columns, primaryKey: rules.primaryKey ?? counted, rules: rules as Rules }
}

/** Where archived rows of a table go: the same columns and primary key, no other constraint or index; `changed` columns differ. */
export function shadow<C extends Columns, D extends Columns = Record<never, never>>(
  { columns, primaryKey, rules }: Table<C>,
  changed?: D,
): Table<Omit<C, keyof D> & D> {
  const { charset, collate } = rules.mysql ?? {}
  return {
    columns: { ...columns, ...changed } as unknown as Omit<C, keyof D> & D,
    primaryKey,
    rules: { primaryKey, mysql: { ...(charset && { charset }), ...(collate && { collate }) } },
  }
}

/** The `shadow_` tables of all tables. */
export const shadows = <T extends Schema>(tables: T): { readonly [K in keyof T & string as `shadow_${K}`]: T[K] } =>
  Object.fromEntries(Object.entries(tables).map(([name, table]) => [`shadow_${name}`, shadow(table)])) as never

type Row<C extends Columns> = {
  [K in keyof C]: C[K] extends Column<infer Read, infer Write, infer N, infer _>
    ? N extends 'optional'
      ? ColumnType<Read | null, Write | null | undefined, Write | null>
      : N extends 'filled'
        ? ColumnType<Read, Write | undefined, Write>
        : ColumnType<Read, Write, Write>
    : never
}

/** The tables of a schema as Kysely wants them; `Selectable<TablesOf<S>['flavors']>` is a row as it is read. */
export type TablesOf<S extends Schema> = { [T in keyof S]: Row<S[T]['columns']> }

type InitialKeys<C extends Columns> = {
  [K in keyof C]: C[K] extends Column<infer _R, infer _W, infer _N, infer I> ? ([I] extends [never] ? never : K) : never
}[keyof C]

/** What `initial` gives for columns `C`. */
export type Initial<C extends Columns> = { [K in InitialKeys<C>]: C[K] extends Column<infer _R, infer W, infer _N, infer _I> ? W : never }

/**
 * The values that Nova's models fill in where an insert says nothing, `deleted: 0` above all: without it Nova does not see the row.
 *
 *     tx.insertInto('services').values({ ...initial(cellSchema.services), ...values })
 */
export function initial<C extends Columns>(table: Table<C>): Initial<C> {
  const known = Object.entries(table.columns).filter(([, { facts }]) => facts.initial !== undefined)
  return Object.fromEntries(known.map(([name, { facts }]) => [name, facts.initial])) as Initial<C>
}
