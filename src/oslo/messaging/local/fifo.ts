/** A queue whose two ends cost the same however long it is. */

export interface Fifo<T> {
  readonly length: number
  push(value: T): void
  shift(): T | undefined
  /** Back to the front, in their order. */
  unshift(values: readonly T[]): void
  /** Takes out all that are wanted. */
  extract(wanted: (value: T) => boolean): T[]
}

export function fifo<T>(): Fifo<T> {
  let items: (T | undefined)[] = []
  let first = 0
  return {
    get length() {
      return items.length - first
    },
    push: (value) => void items.push(value),
    shift() {
      if (first === items.length) return undefined
      const value = items[first]
      items[first++] = undefined
      // half of it is holes: a copy now costs no more than the shifts before it
      if (first > 1024 && first * 2 > items.length) {
        items = items.slice(first)
        first = 0
      }
      return value
    },
    unshift(values) {
      if (values.length === 0) return
      items = [...values, ...items.slice(first)]
      first = 0
    },
    extract(wanted) {
      const out: T[] = []
      const kept: T[] = []
      for (const value of items.slice(first) as T[]) (wanted(value) ? out : kept).push(value)
      if (out.length > 0) {
        items = kept
        first = 0
      }
      return out
    },
  }
}
