/** What stores need around rows and statements written by hand. */

/** Rows by what `key` says of them, in their order. */
export function grouped<R, V = R>(rows: readonly R[], key: (row: R) => string, value: (row: R) => V): Map<string, V[]> {
  const out = new Map<string, V[]>()
  for (const row of rows) {
    const at = key(row)
    const list = out.get(at)
    if (list) list.push(value(row))
    else out.set(at, [value(row)])
  }
  return out
}

/** `(?, ?, ?)` for a hand-written IN. */
export function inList(count: number): string {
  let list = lists.get(count)
  if (list === undefined) lists.set(count, (list = `(${Array.from({ length: count }, () => '?').join(', ')})`))
  return list
}
const lists = new Map<number, string>()
