/**
 * Shapes of request bodies and queries: JSON Schema with spans. `schemaAt` gives the plain schema of one microversion; `Of<typeof shape>`
 * is the type of a value that passed.
 *
 *     const update = object({ flavor: object({ description: text.since('2.55') }, { required: ['description'] }) }, { required: ['flavor'] })
 */
import type { Microversion, Minor } from './history.ts'
import { always, at, from, holds, type Span, type Spanned, upTo } from './span.ts'

export type Schema = { readonly [keyword: string]: unknown }

/** How a shape becomes a schema; keywords keep the order in which they were written, since the first error in that order is told. */
type Build = (minor: Minor) => Schema

export class Shape<T> {
  declare readonly is: T
  readonly build: Build
  readonly span: Span
  constructor(build: Build, span: Span = always) {
    this.build = build
    this.span = span
  }
  since(version: Microversion): Shape<T> {
    return new Shape(this.build, from(this.span, version))
  }
  until(version: Microversion): Shape<T> {
    return new Shape(this.build, upTo(this.span, version))
  }
  /** The same with keywords added or replaced. */
  with(keywords: Schema): Shape<T> {
    return new Shape((minor) => ({ ...this.build(minor), ...keywords }), this.span)
  }
}

/** The value that a shape lets through. */
export type Of<S> = S extends Shape<infer T> ? T : S extends readonly (infer E)[] ? Of<E> : never

/** One shape, or several with disjoint spans. */
export type Shapes<T = unknown> = Shape<T> | readonly Shape<T>[]

const listed = <T>(shapes: Shapes<T>): readonly Shape<T>[] => (shapes instanceof Shape ? [shapes] : shapes)

/** The schema at a microversion, or undefined when the shape does not exist there: then nothing is validated. */
export function schemaAt(shapes: Shapes, minor: Minor): Schema | undefined {
  return listed(shapes)
    .find((shape) => holds(shape.span, minor))
    ?.build(minor)
}

/** A plain schema. */
export const json = <T>(schema: Schema): Shape<T> => new Shape(() => schema)

/** One of a few values; members may come and go: `words(['all', since('2.37', 'auto')])`. */
export const words = <const W extends string | boolean | number | null>(
  members: readonly (W | Spanned<W>)[],
  before: Schema = { type: 'string' },
): Shape<W> => new Shape((minor) => ({ ...before, enum: at(members, minor) }))

type Properties = Readonly<Record<string, Shapes>>
type PropertyOf<P> = P extends Shape<infer T> ? T : P extends readonly Shape<infer T>[] ? T : never
type ObjectOf<P extends Properties, R extends keyof P> = { [K in R]: PropertyOf<P[K]> } & {
  [K in Exclude<keyof P, R>]?: PropertyOf<P[K]>
}

interface ObjectRules<R> {
  /** Keys that must be there. Those outside their span are left out. */
  readonly required?: readonly R[]
  /** Other keys: refused (the default), taken, of a shape, or taken up to a version and refused after it. */
  readonly others?: boolean | Shape<unknown> | { readonly until: Microversion }
  /** Shapes of keys that match a pattern. */
  readonly matching?: Readonly<Record<string, Shape<unknown>>>
  /** Further keywords, such as minProperties, put last. */
  readonly rules?: Schema
  /** The order of keywords where Nova's schema has another than type, properties, required, additionalProperties. */
  readonly order?: readonly string[]
}

/** An object with known keys. */
export function object<const P extends Properties, const R extends keyof P & string = never>(
  properties: P,
  { required = [], others = false, matching, rules = {}, order }: ObjectRules<R> = {},
): Shape<ObjectOf<P, R>> {
  return new Shape((minor) => {
    const known: Record<string, Schema> = {}
    for (const [key, shapes] of Object.entries(properties)) {
      const schema = schemaAt(shapes, minor)
      if (schema) known[key] = schema
    }
    const needed = required.filter((key) => key in known)
    const all: Record<string, unknown> = {
      type: 'object',
      ...((Object.keys(properties).length > 0 || !matching) && { properties: known }),
      ...(matching && { patternProperties: Object.fromEntries(Object.entries(matching).map(([key, shape]) => [key, shape.build(minor)])) }),
      ...(needed.length > 0 && { required: needed }),
      additionalProperties: othersAt(others, minor),
      ...rules,
    }
    return order ? Object.fromEntries(order.filter((key) => key in all).map((key) => [key, all[key]])) : all
  })
}

function othersAt(others: NonNullable<ObjectRules<never>['others']>, minor: Minor): boolean | Schema {
  if (typeof others === 'boolean') return others
  return others instanceof Shape ? others.build(minor) : holds(upTo(always, others.until), minor)
}

/** A list of one shape. */
export const array = <T>(items: Shape<T>, rules: Schema = {}): Shape<T[]> =>
  new Shape((minor) => ({ type: 'array', items: items.build(minor), ...rules }))

const combined =
  (keyword: 'oneOf' | 'anyOf' | 'allOf') =>
  <const S extends readonly Shape<unknown>[]>(shapes: S, before: Schema = {}): Shape<Of<S[number]>> =>
    new Shape((minor) => ({ ...before, [keyword]: shapes.filter((s) => holds(s.span, minor)).map((s) => s.build(minor)) }))

export const oneOf = combined('oneOf')
export const anyOf = combined('anyOf')
export const allOf = combined('allOf')

/** Query parameters: every value is a list, since a key may come more than once. */
export const query = <const P extends Properties>(properties: P, rules: ObjectRules<never> = {}): Shape<ObjectOf<P, never>> =>
  object(properties, rules)

/** A query parameter that may come many times. */
export const many = <T = string>(of: Shape<T>): Shape<string[]> =>
  new Shape((minor) => ({ type: 'array', items: of.build(minor) }), of.span)

/** A query parameter that may come once. */
export const single = <T = string>(of: Shape<T>): Shape<string[]> =>
  new Shape((minor) => ({ type: 'array', items: of.build(minor), maxItems: 1 }), of.span)
