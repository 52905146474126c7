/**
 * Versioned objects: what Nova's services hand each other and keep in JSON columns. A definition has a name, a version and fields; a value is a plain
 * record in which fields may be absent (not loaded), with Nova's own field names, and a mark of which fields were changed.
 *
 *     export const Tag = defineObject('Tag', '1.1', { resource_id: text, tag: text })
 *     export type Tag = ObjectValue<typeof Tag>
 *     Tag.toWire(Tag.make({ resource_id: id, tag: 'db' }))
 */
import { FieldNotLoaded, IncompatibleObjectVersion, InvalidField, UnexpectedObject } from './errors.ts'
import { type Codec, type Field, field, present, shown } from './field.ts'
import { listOf } from './fields.ts'

/** Under this key a value keeps the names of its changed fields, so that they survive copying it. */
export const changes: unique symbol = Symbol('changes')

// the element type is not known here, and `unknown` would not match what reads and writes a narrower one
// biome-ignore lint/suspicious/noExplicitAny: as above
export type Fields = Readonly<Record<string, Field<any>>>

type FieldValues<F extends Fields> = { [K in keyof F]?: F[K] extends Field<infer T> ? T : never }

/** A value: any field may be absent, which is not the same as null. */
export type Value<F extends Fields> = FieldValues<F> & { [changes]?: readonly string[] }

/** The value of a definition. */
export type ObjectValue<D> = D extends ObjectType<infer F> ? Value<F> : D extends Codec<infer T> ? T : never

export interface WireObject {
  readonly 'nova_object.name': string
  readonly 'nova_object.namespace': string
  readonly 'nova_object.version': string
  readonly 'nova_object.data': Readonly<Record<string, unknown>>
  readonly 'nova_object.changes'?: readonly string[]
}

export interface WriteOptions {
  /** Instead of the fields that the value is marked with. */
  readonly changes?: readonly string[]
  /** For a reader that knows only this version. */
  readonly version?: string
}

export interface ObjectType<F extends Fields> {
  readonly name: string
  readonly version: string
  readonly fields: F
  /** A value in which all given fields count as changed, as they do in one that Nova makes. */
  make(values: FieldValues<F>): Value<F>
  /** The fields that have a default, filled where they are absent; they count as changed. obj_set_defaults */
  withDefaults(value: Value<F>): Value<F>
  /** A copy with other values, marked as changed. */
  change(value: Value<F>, values: FieldValues<F>): Value<F>
  /** Which fields were changed, in the order of the definition. obj_what_changed */
  changesOf(value: Value<F>): string[]
  /** A copy without marks; objects inside keep theirs. obj_reset_changes */
  unchanged(value: Value<F>): Value<F>
  /** Throws an `InvalidField`, or an `IncompatibleObjectVersion` for a version that cannot be written. */
  toWire(value: Value<F>, options?: WriteOptions): WireObject
  /** Fields that this release does not know are dropped. Throws `UnexpectedObject`, `IncompatibleObjectVersion` or `InvalidField`. */
  fromWire(wire: unknown, at?: string): Value<F>
}

export function defineObject<F extends Fields>(name: string, version: string, fields: F): ObjectType<F> {
  const entries = Object.entries(fields)

  function changesOf(value: Value<F>): string[] {
    const marked = new Set(value[changes])
    return entries.flatMap(([key, { changedWithin }]) => {
      const held = value[key]
      return held !== undefined && (marked.has(key) || changedWithin?.(held)) ? [key] : []
    })
  }

  function change(value: Value<F>, values: FieldValues<F>): Value<F> {
    const marked = new Set(value[changes])
    for (const [key, each] of Object.entries(values)) {
      if (!(key in fields)) throw new InvalidField(`${name}.${key}`, 'there is no such field')
      if (each !== undefined) marked.add(key)
    }
    return { ...value, ...values, [changes]: [...marked] }
  }

  const type: ObjectType<F> = {
    name,
    version,
    fields,
    make: (values) => change({} as Value<F>, values),
    withDefaults(value) {
      const missing = entries.filter(([key, { initial }]) => initial && value[key] === undefined)
      return change(value, Object.fromEntries(missing.map(([key, { initial }]) => [key, initial!()])) as FieldValues<F>)
    },
    change,
    changesOf,
    unchanged(value) {
      const { [changes]: _, ...rest } = value
      return rest as Value<F>
    },
    toWire(value, options = {}) {
      if (options.version !== undefined && options.version !== version)
        throw new IncompatibleObjectVersion(`${name} ${version} cannot be written as version ${options.version}`)
      const data: Record<string, unknown> = {}
      for (const [key, { write }] of entries) {
        const held = value[key]
        if (held !== undefined) data[key] = write(held, `${name}.${key}`)
      }
      const changed = options.changes?.filter((key) => key in data) ?? changesOf(value)
      return {
        'nova_object.name': name,
        'nova_object.namespace': 'nova',
        'nova_object.version': version,
        'nova_object.data': data,
        ...(changed.length > 0 ? { 'nova_object.changes': changed } : {}),
      }
    },
    fromWire(wire, at = name) {
      const { data, changed } = open(wire, name, version, at)
      const value: Record<PropertyKey, unknown> = {}
      for (const [key, { read, nullable, initial }] of entries) {
        if (!Object.hasOwn(data, key)) continue
        value[key] = data[key] === null && !nullable && initial ? initial() : read(data[key], `${at}.${key}`)
      }
      if (changed.length > 0) value[changes] = changed.filter((key) => key in fields)
      return value as Value<F>
    },
  }
  return type
}

/** A `*List` object: a list of objects that is itself one, and counts as changed when one of them is. */
export function defineList<F extends Fields>(
  name: string,
  version: string,
  item: ObjectType<F>,
): ObjectType<{ objects: Field<Value<F>[]> }> {
  const objects = field({
    ...listOf(object(item)),
    changedWithin: (values: Value<F>[]) => values.some((value) => item.changesOf(value).length > 0),
  })
  return defineObject(name, version, { objects })
}

/** A field that holds one object. */
export const object = <F extends Fields>(type: ObjectType<F>): Field<Value<F>> =>
  field({
    kind: type.name,
    read: (value, at) => type.fromWire(present(value, at), at),
    write: (value, at) => type.toWire(present(value, at) as Value<F>),
    changedWithin: (value) => type.changesOf(value).length > 0,
  })

type Types = Readonly<Record<string, ObjectType<Fields>>>

/** The value of one of several objects; `kind` is the name of the one it is. */
export type OneOf<T extends Types> = { [K in keyof T]: { kind: K } & ObjectValue<T[K]> }[keyof T]

/** A field that holds an object of one of several types, which Nova derives from `base`. Keyed by their names. */
export function oneOf<T extends Types>(base: string, types: T): Field<OneOf<T>> {
  const typeOf = (name: unknown, at: string): ObjectType<Fields> => {
    if (typeof name === 'string' && Object.hasOwn(types, name)) return types[name]!
    throw new UnexpectedObject(`${at}: ${shown(name)} is none of ${Object.keys(types).join(', ')}`)
  }
  const split = (value: OneOf<T>, at: string): [ObjectType<Fields>, Value<Fields>] => {
    const { kind, ...rest } = value
    return [typeOf(kind, at), rest as Value<Fields>]
  }
  return field<OneOf<T>>({
    kind: `kind of ${base}`,
    read(wire, at) {
      const type = typeOf((present(wire, at) as Partial<WireObject>)['nova_object.name'], at)
      return { kind: type.name, ...type.fromWire(wire, at) } as unknown as OneOf<T>
    },
    write(value, at) {
      const [type, rest] = split(present(value, at) as OneOf<T>, at)
      return type.toWire(rest)
    },
    changedWithin(value) {
      const [type, rest] = split(value, base)
      return type.changesOf(rest).length > 0
    },
  })
}

/** A value of which these fields are known to be there. */
export type Loaded<V, K extends keyof V> = V & { [P in K]-?: Exclude<V[P], undefined> }

/** The same value, when these fields are there; throws a `FieldNotLoaded` otherwise. */
export function loaded<V extends object, K extends keyof V & string>(value: V, ...keys: K[]): Loaded<V, K> {
  const missing = keys.filter((key) => value[key] === undefined)
  if (missing.length > 0) throw new FieldNotLoaded(`not loaded: ${missing.join(', ')}`)
  return value as Loaded<V, K>
}

function open(wire: unknown, name: string, version: string, at: string): { data: Record<string, unknown>; changed: readonly string[] } {
  const found: Partial<WireObject> = typeof wire === 'object' && wire !== null ? wire : {}
  const { 'nova_object.name': foundName, 'nova_object.namespace': namespace, 'nova_object.data': data } = found
  if (foundName !== name || namespace !== 'nova' || typeof data !== 'object' || data === null)
    throw new UnexpectedObject(`${at}: a ${name} was expected, not ${foundName === undefined ? shown(wire) : shown(foundName)}`)
  checkVersion(String(found['nova_object.version']), name, version)
  const changed = found['nova_object.changes']
  return { data: data as Record<string, unknown>, changed: Array.isArray(changed) ? changed : [] }
}

/** A later minor version may have fields that must not be lost; a revision changes nothing. nova/objects/base.py NovaObjectSerializer._process_object */
function checkVersion(found: string, name: string, known: string): void {
  const [major, minor] = found.split('.').map(Number)
  const [knownMajor, knownMinor] = known.split('.').map(Number)
  if (major !== knownMajor || minor === undefined || !(minor <= knownMinor!))
    throw new IncompatibleObjectVersion(`${name} version ${found} cannot be read, only up to ${known}`)
}
