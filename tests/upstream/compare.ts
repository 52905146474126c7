/** What our tables say of an operation at a microversion, beside what Nova's say: for the tests, and for the table of compatibility. */
import { resources } from '../../src/api/compute/index.ts'
import type { Minor } from '../../src/api/spec/history.ts'
import { byVersion, type Operation } from '../../src/api/spec/operation.ts'
import { type Schema, type Shapes, schemaAt } from '../../src/api/spec/shape.ts'
import { holds } from '../../src/api/spec/span.ts'
import type { Upstream } from './operations.ts'

/** Every operation of ours, with its lives. */
export const ours = new Map<string, readonly Operation[]>()
for (const resource of resources) for (const [at, lives] of Object.entries(resource)) ours.set(at, [lives].flat())

/** The version documents at the root of an endpoint are applications of their own. */
export const elsewhere: ReadonlySet<string> = new Set(['GET /'])

export interface Compared {
  readonly what: 'life' | 'status' | 'errors' | 'body' | 'query'
  readonly have: unknown
  readonly want: unknown
}

/** Life alone where the operation is not there or is gone for good. Minor 0 is the legacy endpoint, which differs in bodies. */
export function compare(operation: Upstream, minor: Minor): Compared[] {
  if (minor === 0) return [body(operation, lifeAt(operation.at, operation.since)?.body, 0)]
  const life: Compared = { what: 'life', have: stateAt(operation.at, minor), want: theirStateAt(operation, minor) }
  const mine = lifeAt(operation.at, minor)
  if (!mine || operation.removed || life.have !== life.want) return [life]
  return [
    life,
    { what: 'status', have: byVersion(mine.status ?? 200, minor), want: operation.status(minor) },
    { what: 'errors', have: sorted(byVersion(mine.errors ?? [], minor)), want: sorted(operation.errors(minor)) },
    body(operation, mine.body, minor),
    ...query(operation, mine.query, minor),
  ]
}

const lifeAt = (at: string, minor: Minor) => ours.get(at)?.find(({ span }) => holds(span, minor))

function stateAt(at: string, minor: Minor): string {
  const life = lifeAt(at, minor)
  return !life ? 'absent' : life.gone === undefined ? 'there' : 'gone'
}

const theirStateAt = ({ since, until, removed }: Upstream, minor: Minor): string =>
  minor < since || minor > until ? 'absent' : removed ? 'gone' : 'there'

const sorted = (statuses: readonly number[]): number[] => [...new Set(statuses)].sort()

const body = (operation: Upstream, shapes: Shapes | undefined, minor: Minor): Compared => ({
  what: 'body',
  have: ordered(shapes && schemaAt(shapes, minor)),
  want: ordered(operation.body(minor)),
})

/** A query without a schema is one that takes anything. */
function query(operation: Upstream, shapes: Shapes | undefined, minor: Minor): Compared[] {
  const want = operation.query(minor)
  const have = shapes && schemaAt(shapes, minor)
  if (!want && (!have || anything(have))) return []
  return [{ what: 'query', have: ordered(have), want: ordered(want) }]
}

const anything = (schema: Schema) => Object.keys(schema.properties as object).length === 0 && schema.additionalProperties === true

/**
 * Objects as lists of pairs, since the first error in the order of keys is the one that is told; words of an enumeration sorted, since Python's sets
 * have no order.
 */
function ordered(value: unknown, key = ''): unknown {
  if (Array.isArray(value))
    return key === 'enum' && value.every((each) => typeof each === 'string') ? [...value].sort() : value.map((each) => ordered(each))
  if (typeof value === 'object' && value !== null) return Object.entries(value).map(([name, each]) => [name, ordered(each, name)])
  // The range of printable characters is long, and its end is a matter of the Unicode version
  return typeof value === 'string' && value.startsWith('^[\\ -') ? 'printable' : value
}
