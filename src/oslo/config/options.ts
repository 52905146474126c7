/**
 * Declared options: each module says what it reads from nova.conf, typed, with help; `settings` turns sources into a value that is passed.
 *
 *     export const apiOptions = group('api', { maxLimit: integer('max_limit', 1000, { min: 0, help: 'Most items one page may hold.' }) })
 *     type ApiSettings = Settings<typeof apiOptions>
 */

export type OptionKind = 'text' | 'integer' | 'float' | 'boolean' | 'list' | 'map' | 'multi' | 'port' | 'choice' | 'uri' | 'host'

export interface Extras {
  help: string
  /** Names this option had before: `name` of the same group, or `group/name`. */
  deprecated?: readonly string[]
  /** Re-read on SIGHUP. */
  mutable?: boolean
  /** Never shown. */
  secret?: boolean
}

export interface Option<T> {
  readonly kind: OptionKind
  readonly name: string
  readonly default: T
  readonly help: string
  readonly deprecated: readonly string[]
  readonly mutable: boolean
  readonly secret: boolean
  readonly min?: number
  readonly max?: number
  readonly choices?: readonly string[]
  readonly pattern?: RegExp
  /** For lists: the kind of an item. */
  readonly items?: 'text' | 'integer'
}

export interface OptionGroup<O extends Record<string, Option<unknown>>> {
  readonly group: string
  readonly options: O
}

export type Settings<G> = G extends OptionGroup<infer O> ? { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never } : never

export const group = <O extends Record<string, Option<unknown>>>(name: string, options: O): OptionGroup<O> => ({ group: name, options })

type Range = { min?: number; max?: number }

/** A number, or null where the option has no default. */
export function integer(name: string, initial: number, extras: Extras & Range): Option<number>
export function integer(name: string, initial: null, extras: Extras & Range): Option<number | null>
export function integer(name: string, initial: number | null, extras: Extras & Range): Option<number | null> {
  return option('integer', name, initial, extras)
}

export function float(name: string, initial: number, extras: Extras & Range): Option<number>
export function float(name: string, initial: null, extras: Extras & Range): Option<number | null>
export function float(name: string, initial: number | null, extras: Extras & Range): Option<number | null> {
  return option('float', name, initial, extras)
}

export function text(name: string, initial: string, extras: Extras & { pattern?: RegExp }): Option<string>
export function text(name: string, initial: null, extras: Extras & { pattern?: RegExp }): Option<string | null>
export function text(name: string, initial: string | null, extras: Extras & { pattern?: RegExp }): Option<string | null> {
  return option('text', name, initial, extras)
}

/** oslo's booleans: 1/t/true/on/y/yes and their opposites, in any case. */
export const boolean = (name: string, initial: boolean, extras: Extras): Option<boolean> => option('boolean', name, initial, extras)

/** One of a few words. */
export const choice = <const C extends readonly string[]>(
  name: string,
  choices: C,
  initial: C[number],
  extras: Extras,
): Option<C[number]> => option('choice', name, initial, { ...extras, choices })

export function port(name: string, initial: number, extras: Extras): Option<number>
export function port(name: string, initial: null, extras: Extras): Option<number | null>
export function port(name: string, initial: number | null, extras: Extras): Option<number | null> {
  return option('port', name, initial, { ...extras, min: 0, max: 65535 })
}

/** Comma-separated. */
export const list = (name: string, initial: readonly string[], extras: Extras): Option<readonly string[]> =>
  option('list', name, initial, { ...extras, items: 'text' })

/** `key:value,key:value` */
export const map = (name: string, initial: Readonly<Record<string, string>>, extras: Extras): Option<Readonly<Record<string, string>>> =>
  option('map', name, initial, extras)

/** May be given many times; every value counts. */
export const multi = (name: string, initial: readonly string[], extras: Extras): Option<readonly string[]> =>
  option('multi', name, initial, extras)

function option<T>(
  kind: OptionKind,
  name: string,
  initial: T,
  {
    help,
    deprecated = [],
    mutable = false,
    secret = false,
    ...rest
  }: Extras & Range & { choices?: readonly string[]; pattern?: RegExp; items?: 'text' | 'integer' },
): Option<T> {
  return { kind, name, default: initial, help, deprecated, mutable, secret, ...rest }
}
