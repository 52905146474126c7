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
  /** A choice in another case is taken for the one that is declared. */
  readonly ignoreCase?: boolean
  readonly pattern?: RegExp
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

/** oslo.config's booleans: true, 1, on, yes and false, 0, off, no, in any case. */
export const boolean = (name: string, initial: boolean, extras: Extras): Option<boolean> => option('boolean', name, initial, extras)

/** One of a few words. */
export function choice<const C extends readonly string[]>(
  name: string,
  choices: C,
  initial: C[number],
  extras: Extras & { ignoreCase?: boolean },
): Option<C[number]>
export function choice<const C extends readonly string[]>(
  name: string,
  choices: C,
  initial: null,
  extras: Extras & { ignoreCase?: boolean },
): Option<C[number] | null>
export function choice(
  name: string,
  choices: readonly string[],
  initial: string | null,
  extras: Extras & { ignoreCase?: boolean },
): Option<string | null> {
  return option('choice', name, initial, { ...extras, choices })
}

/** A URI with a scheme and a host. */
export function uri(name: string, initial: string, extras: Extras): Option<string>
export function uri(name: string, initial: null, extras: Extras): Option<string | null>
export function uri(name: string, initial: string | null, extras: Extras): Option<string | null> {
  return option('uri', name, initial, extras)
}

/** An IP address or a host name. */
export function host(name: string, initial: string, extras: Extras): Option<string>
export function host(name: string, initial: null, extras: Extras): Option<string | null>
export function host(name: string, initial: string | null, extras: Extras): Option<string | null> {
  return option('host', name, initial, extras)
}

export function port(name: string, initial: number, extras: Extras): Option<number>
export function port(name: string, initial: null, extras: Extras): Option<number | null>
export function port(name: string, initial: number | null, extras: Extras): Option<number | null> {
  return option('port', name, initial, { ...extras, min: 0, max: 65535 })
}

/** Comma-separated; `choices` are the words that an item may be. */
export const list = (
  name: string,
  initial: readonly string[],
  extras: Extras & { choices?: readonly string[] },
): Option<readonly string[]> => option('list', name, initial, extras)

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
  }: Extras & Range & { choices?: readonly string[]; ignoreCase?: boolean; pattern?: RegExp },
): Option<T> {
  return { kind, name, default: initial, help, deprecated, mutable, secret, ...rest }
}
