/** What Nova 33.0.2 declares of each operation, from facts/operations.json: spans, schemas (each node once, in `pool`), statuses. */
import { readFileSync } from 'node:fs'
import { type Minor, newest } from '../../src/api/spec/history.ts'
import { printablePattern } from '../../src/api/spec/printable.ts'
import type { Schema } from '../../src/api/spec/shape.ts'

type Bounds<T> = [min: string | null, max: string | null, value: T]

interface Recorded {
  readonly at: string
  readonly min?: string
  readonly max?: string
  /** Why it answers 410. */
  readonly removed?: string
  readonly body?: readonly Bounds<Reference>[]
  readonly query?: readonly Bounds<Reference>[]
  readonly response?: readonly Bounds<Reference>[]
  readonly codes?: readonly [code: number, min: string | null, max: string | null][]
  readonly errors?: readonly [statuses: number | number[], min: string | null, max: string | null][]
}

type Reference = number | { v: unknown }
type Node = { o: [string, Reference][] } | { l: Reference[] }

const facts = JSON.parse(readFileSync(new URL('./facts/operations.json', import.meta.url), 'utf8')) as {
  operations: Recorded[]
  pool: Node[]
}

const built = new Map<number, unknown>()
function expand(reference: Reference): unknown {
  if (typeof reference !== 'number') return reference.v === 'PRINTABLE' ? printablePattern() : reference.v
  let value = built.get(reference)
  if (value === undefined) {
    const node = facts.pool[reference]!
    value = 'o' in node ? Object.fromEntries(node.o.map(([key, each]) => [key, expand(each)])) : node.l.map(expand)
    built.set(reference, value)
  }
  return value
}

const minor = (version: string): Minor => Number(version.slice(2))

export interface Upstream {
  /** `POST /servers/:id/action os-stop`, as in our tables. */
  readonly at: string
  readonly since: Minor
  readonly until: Minor
  readonly removed: string | undefined
  /** The schema that holds at a version; undefined when nothing is validated. Minor 0 is the legacy endpoint. */
  body(at: Minor): Schema | undefined
  query(at: Minor): Schema | undefined
  response(at: Minor): Schema | undefined
  /** The status of success. */
  status(at: Minor): number
  errors(at: Minor): number[]
  /** Versions at which something begins or ends: both sides of each bound. */
  readonly boundaries: readonly Minor[]
}

export const upstream: readonly Upstream[] = facts.operations.map((operation) => {
  const since = operation.min ? minor(operation.min) : 1
  const until = operation.max ? minor(operation.max) : newest
  const schemaAt = (bounds: readonly Bounds<Reference>[] | undefined, at: Minor) => {
    const found = bounds?.find(([min, max]) =>
      at === 0 ? min === null || min === '2.0' : (min === null || minor(min) <= at) && (max === null || at <= minor(max)),
    )
    return found && (expand(found[2]) as Schema)
  }
  const within = ([, min, max]: readonly [unknown, string | null, string | null], at: Minor) =>
    (min === null || minor(min) <= at) && (max === null || at <= minor(max))
  return {
    at: operation.at.replaceAll(/\{(\w+)\}/g, ':$1'),
    since: Math.max(since, 1),
    until,
    removed: operation.removed,
    body: (at) => schemaAt(operation.body, at),
    query: (at) => schemaAt(operation.query, at),
    // Answers are checked by the version alone: the legacy endpoint answers as 2.1
    response: (at) => schemaAt(operation.response, Math.max(at, 1)),
    status: (at) => operation.codes?.find((code) => within(code, at))?.[0] ?? 200,
    errors: (at) => operation.errors?.filter((errors) => within(errors, at)).flatMap(([statuses]) => statuses) ?? [],
    boundaries: boundariesOf(operation, Math.max(since, 1), until),
  }
})

function boundariesOf(operation: Recorded, since: Minor, until: Minor): Minor[] {
  const all = new Set([since, until])
  for (const [min, max] of [...(operation.body ?? []), ...(operation.query ?? []), ...(operation.response ?? [])]) {
    if (min !== null) for (const each of [minor(min) - 1, minor(min)]) all.add(each)
    if (max !== null) for (const each of [minor(max), minor(max) + 1]) all.add(each)
  }
  return [...all].filter((each) => each >= since && each <= until).sort((a, b) => a - b)
}
