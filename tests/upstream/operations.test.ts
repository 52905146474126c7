import { expect, test } from 'vitest'
import { resources } from '../../src/api/compute/index.ts'
import { type Minor, newest } from '../../src/api/spec/history.ts'
import { byVersion, type Operation } from '../../src/api/spec/operation.ts'
import { type Schema, type Shapes, schemaAt } from '../../src/api/spec/shape.ts'
import { holds } from '../../src/api/spec/span.ts'
import { type Upstream, upstream } from './operations.ts'

const ours = new Map<string, readonly Operation[]>()
for (const resource of resources) for (const [at, lives] of Object.entries(resource)) ours.set(at, [lives].flat())

/** The version documents at the root of an endpoint are applications of their own. */
const elsewhere = new Set(['GET /'])
const served = upstream.filter(({ at }) => !elsewhere.has(at))

test('we have every operation that Nova has, and no other', () => {
  expect([...ours.keys()].sort()).toEqual(upstream.map(({ at }) => at).sort())
  // The redirect from an endpoint to its root is no operation of its own
  const gone = upstream.filter(({ removed }) => removed).length
  expect({ live: upstream.length - gone, gone }).toEqual({ live: 211, gone: 54 })
})

for (const operation of served)
  test(operation.at, () => {
    for (let minor = 1; minor <= newest; minor++)
      expect([minor, stateAt(operation.at, minor)]).toEqual([minor, theirStateAt(operation, minor)])
    if (operation.removed) return
    for (const minor of operation.boundaries) {
      const mine = lifeAt(operation.at, minor)!
      expect([minor, byVersion(mine.status ?? 200, minor)]).toEqual([minor, operation.status(minor)])
      expect([minor, [...new Set(byVersion(mine.errors ?? [], minor))].sort()]).toEqual([
        minor,
        [...new Set(operation.errors(minor))].sort(),
      ])
      same(operation, 'body', mine.body, minor)
      same(operation, 'query', mine.query, minor)
    }
    const oldest = lifeAt(operation.at, operation.since)!
    if (operation.since === 1) same(operation, 'body', oldest.body, 0)
  })

const lifeAt = (at: string, minor: Minor) => ours.get(at)?.find(({ span }) => holds(span, minor))

function stateAt(at: string, minor: Minor): string {
  const life = lifeAt(at, minor)
  return !life ? 'absent' : life.gone === undefined ? 'there' : 'gone'
}

const theirStateAt = ({ since, until, removed }: Upstream, minor: Minor): string =>
  minor < since || minor > until ? 'absent' : removed ? 'gone' : 'there'

/** Equal with keys in the same order, since the first error in that order is the one that is told. */
function same(operation: Upstream, part: 'body' | 'query', shapes: Shapes | undefined, minor: Minor): void {
  const want = operation[part](minor)
  const have = shapes && schemaAt(shapes, minor)
  // A query without a schema is one that takes anything
  if (part === 'query' && !want && (!have || anything(have))) return
  expect([part, minor, ordered(have)]).toEqual([part, minor, ordered(want)])
}

const anything = (schema: Schema) => Object.keys(schema.properties as object).length === 0 && schema.additionalProperties === true

/** Objects as lists of pairs; words of an enumeration sorted, since Python's sets have no order. */
function ordered(value: unknown, key = ''): unknown {
  if (Array.isArray(value))
    return key === 'enum' && value.every((each) => typeof each === 'string') ? [...value].sort() : value.map((each) => ordered(each))
  if (typeof value === 'object' && value !== null) return Object.entries(value).map(([name, each]) => [name, ordered(each, name)])
  // The range of printable characters is long, and its end is a matter of the Unicode version
  return typeof value === 'string' && value.startsWith('^[\\ -') ? 'printable' : value
}
