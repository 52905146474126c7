/**
 * Fields of answers and views made of them. A field's whole life is on its line: where its value comes from, since and until when it is shown,
 * which rule may hide it, and what must be loaded for it.
 *
 *     const f = fields<Flavor>()
 *     const full = view({ ram: f.integer((r) => r.memoryMb), description: f.text((r) => r.description).since('2.55') })
 *
 * A value of `undefined` leaves the key out; null is shown as null.
 */
import type { Microversion, Minor } from './history.ts'
import type { Schema } from './shape.ts'
import { always, from, holds, type Span, upTo } from './span.ts'

/** What rendering needs to know of the request. */
export interface Rendering {
  readonly links: Links
  /** As `2026-01-02T03:04:05Z`. */
  readonly now: string
}

/** Addresses as the client should use them. */
export interface Links {
  self(collection: string, id: string): string
  bookmark(collection: string, id: string): string
}

export interface Link {
  rel: string
  href: string
}

/** `extra` holds what `needs` named, loaded once for the whole page. */
type Get<R, X, V> = (row: R, extra: X, rendering: Rendering) => V

/** Nested views are compiled with their parents. */
interface Nested {
  readonly view: AnyView
  readonly list: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: a view of any row, where only its fields' names and spans matter
type AnyView = View<any, any>

export class Field<R, X> {
  readonly get: Get<R, X, unknown>
  readonly schema: Schema
  readonly span: Span
  readonly rule: string | undefined
  readonly wants: readonly string[]
  readonly nested: Nested | undefined
  constructor(get: Get<R, X, unknown>, schema: Schema, { span = always, rule, wants = [], nested }: FieldRules = {}) {
    this.get = get
    this.schema = schema
    this.span = span
    this.rule = rule
    this.wants = wants
    this.nested = nested
  }
  since(version: Microversion): Field<R, X> {
    return this.#with({ span: from(this.span, version) })
  }
  until(version: Microversion): Field<R, X> {
    return this.#with({ span: upTo(this.span, version) })
  }
  /** Shown only to callers for whom this policy rule holds. */
  shownBy(rule: string): Field<R, X> {
    return this.#with({ rule })
  }
  /** Names what `extra` must hold. */
  needs(...wants: (keyof X & string)[]): Field<R, X> {
    return this.#with({ wants })
  }
  /** The same from a version on, or from where it starts itself if that is later. */
  later(version: Microversion): Field<R, X> {
    const since = Math.max(this.span.since, from(always, version).since)
    return this.#with({ span: { ...this.span, since } })
  }
  #with(rules: FieldRules): Field<R, X> {
    return new Field(this.get, this.schema, {
      span: this.span,
      rule: this.rule,
      wants: this.wants,
      nested: this.nested,
      ...rules,
    } as FieldRules)
  }
}

interface FieldRules {
  readonly span?: Span
  readonly rule?: string | undefined
  readonly wants?: readonly string[]
  readonly nested?: Nested | undefined
}

/** Makers of fields for one kind of row. `X` is what may be loaded beside it. */
export function fields<R, X = Record<never, never>>() {
  const of =
    (schema: Schema) =>
    <V>(get: Get<R, X, V>) =>
      new Field<R, X>(get, schema)
  const orNull = (type: string) => of({ type: [type, 'null'] })
  return {
    text: orNull('string'),
    integer: orNull('integer'),
    number: orNull('number'),
    boolean: orNull('boolean'),
    uuid: of({ type: ['string', 'null'], format: 'uuid' }),
    any: of({}),
    /** A time as Nova stores it (`2026-01-02 03:04:05.000000`), shown as `2026-01-02T03:04:05Z`. */
    time: (get: Get<R, X, string | null | undefined>) =>
      new Field<R, X>((row, extra, rendering) => zulu(get(row, extra, rendering)), { type: ['string', 'null'], format: 'date-time' }),
    /** A time without a zone and with microseconds, as older views show it: `2026-01-02T03:04:05.000000`. */
    localTime: (get: Get<R, X, string | null | undefined>) =>
      new Field<R, X>((row, extra, rendering) => isotime(get(row, extra, rendering)), { type: ['string', 'null'] }),
    map: of({ type: 'object' }),
    texts: of({ type: 'array', items: { type: 'string' } }),
    list: of({ type: 'array' }),
    /** A nested object, rendered by a view of its own. */
    object: <N>(nested: View<N, X>, get: Get<R, X, N | undefined | null>) =>
      new Field<R, X>(get, { type: 'object' }, { nested: { view: nested, list: false } }),
    /** A list of nested objects. */
    objects: <N>(nested: View<N, X>, get: Get<R, X, readonly N[] | undefined>) =>
      new Field<R, X>(get, { type: 'array' }, { nested: { view: nested, list: true } }),
    /** The self and bookmark links of a resource. */
    links: (collection: string, get: Get<R, X, string>) =>
      new Field<R, X>(
        (row, extra, rendering): Link[] => {
          const id = get(row, extra, rendering)
          return [
            { rel: 'self', href: rendering.links.self(collection, id) },
            { rel: 'bookmark', href: rendering.links.bookmark(collection, id) },
          ]
        },
        { type: 'array', items: { type: 'object' } },
      ),
  }
}

/** `2026-01-02 03:04:05[.678901]` → `2026-01-02T03:04:05Z`. */
export const zulu = (stored: string | null | undefined): string | null | undefined =>
  stored && `${stored.slice(0, 10)}T${stored.slice(11, 19)}Z`

/** `2026-01-02 03:04:05[.678901]` → `2026-01-02T03:04:05.678901`. */
export const isotime = (stored: string | null | undefined): string | null | undefined =>
  stored && `${stored.slice(0, 10)}T${stored.slice(11, 19)}.${(stored.slice(20) || '0').padEnd(6, '0').slice(0, 6)}`

export type Fields<R, X> = Readonly<Record<string, Field<R, X> | readonly Field<R, X>[]>>

export interface Renderer<R, X> {
  /** What must be loaded before rendering. */
  readonly needs: readonly (keyof X & string)[]
  render(row: R, extra: X, rendering: Rendering): Record<string, unknown>
}

export class View<R, X> {
  readonly fields: Fields<R, X>
  constructor(fields: Fields<R, X>) {
    this.fields = fields
  }
  /** The same with fields added or replaced; keys keep their place. */
  extend(more: Fields<R, X>): View<R, X> {
    return new View({ ...this.fields, ...more })
  }
  /** Every rule that hides some field, nested ones included. */
  get rules(): string[] {
    const all = Object.values(this.fields).flat()
    return [...new Set(all.flatMap((field) => [...(field.rule ? [field.rule] : []), ...(field.nested?.view.rules ?? [])]))]
  }
  /** What an answer of a version holds, as JSON Schema. A field that a rule may hide, or that some rows do not have, may be absent. */
  schemaAt(minor: Minor): Schema {
    const properties: Record<string, Schema> = {}
    for (const [key, lives] of Object.entries(this.fields)) {
      const field = [lives].flat().find((life) => holds(life.span, minor))
      if (field) properties[key] = schemaOf(field, minor)
    }
    return { type: 'object', properties }
  }
  /** The renderer for a version, with the fields whose rules `shows` lets through. Compile once and keep it. */
  compile(minor: Minor, shows: (rule: string) => boolean): Renderer<R, X> {
    const seen: [string, Get<R, X, unknown>][] = []
    const needs = new Set<string>()
    for (const [key, lives] of Object.entries(this.fields)) {
      const field = [lives].flat().find((life) => holds(life.span, minor) && (!life.rule || shows(life.rule)))
      if (!field) continue
      for (const want of field.wants) needs.add(want)
      const inner = field.nested?.view.compile(minor, shows)
      for (const want of inner?.needs ?? []) needs.add(want)
      seen.push([key, inner ? within(field, inner) : field.get])
    }
    // Copying a blank with all keys gives every row one hidden class: as fast as an object literal.
    const blank = Object.fromEntries(seen.map(([key]) => [key, undefined]))
    const keys = seen.map(([key]) => key)
    const gets = seen.map(([, get]) => get)
    return {
      needs: [...needs] as (keyof X & string)[],
      render(row, extra, rendering) {
        const out: Record<string, unknown> = { ...blank }
        for (let i = 0; i < gets.length; i++) out[keys[i]!] = gets[i]!(row, extra, rendering)
        return out
      },
    }
  }
}

function schemaOf<R, X>({ schema, nested }: Field<R, X>, minor: Minor): Schema {
  if (!nested) return schema
  const item = nested.view.schemaAt(minor)
  return nested.list ? { type: 'array', items: item } : item
}

function within<R, X>({ get, nested }: Field<R, X>, inner: Renderer<unknown, X>): Get<R, X, unknown> {
  if (nested!.list)
    return (row, extra, rendering) =>
      (get(row, extra, rendering) as readonly unknown[] | undefined)?.map((item) => inner.render(item, extra, rendering))
  return (row, extra, rendering) => {
    const item = get(row, extra, rendering)
    return item === undefined || item === null ? item : inner.render(item, extra, rendering)
  }
}

export const view = <R, X>(fields: Fields<R, X>): View<R, X> => new View(fields)

/** Fields that a view shows only from a version on. */
export function later<R, X>(version: Microversion, fields: Fields<R, X>): Fields<R, X> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, lives]) => [key, [lives].flat().map((life) => (life as Field<R, X>).later(version))]),
  )
}

/** Rows of two kinds in one list: those for which `first` holds are shown by the first view. */
export const either = <R, X>(first: (row: R) => boolean, one: View<R, X>, other: View<R, X>): View<R, X> => new Either(first, one, other)

class Either<R, X> extends View<R, X> {
  readonly #first: (row: R) => boolean
  readonly #one: View<R, X>
  constructor(first: (row: R) => boolean, one: View<R, X>, other: View<R, X>) {
    super(other.fields)
    this.#first = first
    this.#one = one
  }
  override get rules(): string[] {
    return [...new Set([...this.#one.rules, ...super.rules])]
  }
  override schemaAt(minor: Minor): Schema {
    return { anyOf: [this.#one.schemaAt(minor), super.schemaAt(minor)] }
  }
  override compile(minor: Minor, shows: (rule: string) => boolean): Renderer<R, X> {
    const one = this.#one.compile(minor, shows)
    const other = super.compile(minor, shows)
    const first = this.#first
    return {
      needs: [...new Set([...one.needs, ...other.needs])],
      render: (row, extra, rendering) => (first(row) ? one : other).render(row, extra, rendering),
    }
  }
}
