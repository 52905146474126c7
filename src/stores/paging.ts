/** Pages through sorted rows by the last row seen, as oslo.db's paginate_query does. */
import type { Expression, ExpressionBuilder, SelectQueryBuilder, SqlBool } from 'kysely'

export interface Order {
  /** A column, with its table where the query joins several. */
  readonly column: string
  readonly direction: 'asc' | 'desc'
}

export interface Page {
  readonly order: readonly Order[]
  /** The sort columns' values of the last row seen, in the order of `order`. */
  readonly after?: readonly unknown[] | undefined
  readonly limit?: number | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: any select; the columns are checked by the database
type AnySelect = SelectQueryBuilder<any, any, any>
// biome-ignore lint/suspicious/noExplicitAny: as above
type AnyBuilder = ExpressionBuilder<any, any>

/** The query, sorted, started after the marker and cut to the limit. */
export function paged<Q extends AnySelect>(query: Q, { order, after, limit }: Page): Q {
  let out: AnySelect = query
  if (after) out = out.where((eb) => behind(eb, order, after))
  for (const { column, direction } of order) out = out.orderBy(column, direction)
  return (limit === undefined ? out : out.limit(limit)) as Q
}

/** Sorted later than the marker: by the first column, or equal there and by the second, and so on. A column that is null in the marker decides nothing. */
function behind(eb: AnyBuilder, order: readonly Order[], after: readonly unknown[]): Expression<SqlBool> {
  const ways: Expression<SqlBool>[] = []
  for (const [i, { column, direction }] of order.entries()) {
    if (after[i] === null || after[i] === undefined) continue
    const equal = order
      .slice(0, i)
      .flatMap((before, j) => (after[j] === null || after[j] === undefined ? [] : [eb(before.column, '=', after[j])]))
    ways.push(eb.and([...equal, eb(column, direction === 'desc' ? '<' : '>', after[i])]))
  }
  return eb.or(ways)
}
