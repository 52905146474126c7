/** What a field of a versioned object is: how it is read from the wire and written to it, whether it may be null, and what it is by default. */
import { InvalidField } from './errors.ts'

/** How values of one kind travel. `at` is the path to the value, for errors. */
export interface Codec<T> {
  /** `integer`, `list of text`, `Flavor`: as a table of fields shows it. */
  readonly kind: string
  /** Brings a value to the form that it has on our side, as leniently as Nova does when such a field is set. */
  read(value: unknown, at: string): T
  write(value: T, at: string): unknown
  /** Whether the object in there has changes of its own. Only of kinds that are one object. */
  changedWithin?(value: T): boolean
  /** Of enumerations. */
  readonly values?: readonly string[]
}

export interface Field<T> extends Codec<T> {
  readonly nullable: boolean
  /** A new default value, where Nova has one. */
  readonly initial?: () => T
  orNull(): Field<T | null>
  initially(value: T): Field<T>
}

export function field<T>(codec: Codec<T>, nullable = false, initial?: () => T): Field<T> {
  const kind = `${codec.kind}${nullable ? ' or null' : ''}`
  return {
    ...codec,
    kind,
    nullable,
    ...(initial ? { initial } : {}),
    orNull: () => field<T | null>(nullableCodec(codec), true),
    initially: (value) => field(codec, nullable, () => structuredClone(value)),
  }
}

/** A codec that leaves values as `coerce` makes them, in both directions. */
export function plain<T>(kind: string, coerce: (value: unknown, at: string) => T, values?: readonly string[]): Field<T> {
  return field({
    kind,
    read: (value, at) => coerce(present(value, at), at),
    write: (value, at) => coerce(present(value, at), at),
    ...(values ? { values } : {}),
  })
}

/** Throws for null, which oslo refuses in fields that are not nullable. */
export function present(value: unknown, at: string): unknown {
  if (value === null || value === undefined) throw new InvalidField(at, `Field \`${at.slice(at.lastIndexOf('.') + 1)}' cannot be None`)
  return value
}

/** The value as an error may show it: short, and without what is inside of it. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

function nullableCodec<T>(codec: Codec<T>): Codec<T | null> {
  const { read, write, changedWithin } = codec
  return {
    ...codec,
    read: (value, at) => (value === null ? null : read(value, at)),
    write: (value, at) => (value === null ? null : write(value, at)),
    ...(changedWithin ? { changedWithin: (value: T | null) => value !== null && changedWithin(value) } : {}),
  }
}
