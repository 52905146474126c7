/** Settings as values: what sources say of a group of options, substituted, converted and checked. */
import { ConfigError, type Place } from './error.ts'
import type { Option, OptionGroup, Settings } from './options.ts'
import type { Given, Sources } from './sources.ts'
import { BadValue, toValue, toValues } from './values.ts'

/** Texts that beat all sources, by option name: the local variables of a paste section. */
export interface Overrides {
  readonly values: Readonly<Record<string, string>>
  readonly place?: Place
}

/** The settings of a group: what was given, else the default. Throws `ConfigError` for a value that its option does not take. */
export function settings<O extends Record<string, Option<unknown>>>(
  optionGroup: OptionGroup<O>,
  sources: Sources,
  overrides?: Overrides,
): Settings<OptionGroup<O>> {
  const { group, options } = optionGroup
  const entries = Object.entries(options).map(([key, option]) => [key, settingOf(group, option, optionGroup, sources, overrides)])
  return Object.fromEntries(entries)
}

/** What became of settings when their sources were read again. */
export interface Reread<S> {
  readonly settings: S
  /** `[group] name` of mutable options whose value is new. */
  readonly changed: readonly string[]
  /** `[group] name` of other options whose value is new: it counts only after a restart. */
  readonly ignored: readonly string[]
}

/** Takes over from `sources`, read again, the options that are mutable; all others keep their value. */
export function reread<O extends Record<string, Option<unknown>>>(
  optionGroup: OptionGroup<O>,
  current: Settings<OptionGroup<O>>,
  sources: Sources,
): Reread<Settings<OptionGroup<O>>> {
  const fresh: Record<string, unknown> = settings(optionGroup, sources)
  const kept: Record<string, unknown> = { ...current }
  const changed: string[] = []
  const ignored: string[] = []
  for (const [key, option] of Object.entries(optionGroup.options)) {
    if (JSON.stringify(fresh[key]) === JSON.stringify(kept[key])) continue
    if (option.mutable) kept[key] = fresh[key]
    const list = option.mutable ? changed : ignored
    list.push(`[${optionGroup.group}] ${option.name}`)
  }
  return { settings: kept as Settings<OptionGroup<O>>, changed, ignored }
}

function settingOf(
  group: string,
  option: Option<unknown>,
  optionGroup: OptionGroup<Record<string, Option<unknown>>>,
  sources: Sources,
  overrides: Overrides | undefined,
): unknown {
  const override = overrides && Object.hasOwn(overrides.values, option.name) ? overrides.values[option.name] : undefined
  const given = override === undefined ? sources.find(group, option) : []
  const place = override === undefined ? given.at(-1)?.place : overrides?.place
  try {
    const expand = (text: string) => expanded(text, option, { group, optionGroup, sources, within: [`${group}/${option.name}`] })
    if (override !== undefined) return toValue(option, expand(override))
    if (given.length > 0)
      return toValues(
        option,
        given.map(({ text }) => expand(text)),
      )
    return typeof option.default === 'string' && option.default.includes('$') ? toValue(option, expand(option.default)) : option.default
  } catch (error) {
    if (!(error instanceof BadValue)) throw error
    throw new ConfigError(error.message, { place, option: `[${group}] ${option.name}`, cause: error })
  }
}

interface Scope {
  /** Where a bare `$name` is looked for first. */
  readonly group: string
  readonly optionGroup: OptionGroup<Record<string, Option<unknown>>>
  readonly sources: Sources
  /** The options that are being substituted, to notice a circle. */
  readonly within: readonly string[]
}

/** Substitutes; a complaint about a secret does not quote it. */
function expanded(text: string, option: Option<unknown>, scope: Scope): string {
  try {
    return substitute(text, scope)
  } catch (error) {
    if (option.secret && error instanceof BadValue)
      throw new BadValue('a $ in it names no option that is known; a dollar sign itself is written $$')
    throw error
  }
}

const reference = /\$(?:(?<escaped>\$)|(?<bare>[_a-z][._a-z0-9]*)|\{(?<braced>[_a-z][._a-z0-9]*)\})/gi

/** Replaces `$name`, `${group.name}` and `$$`; a dollar sign before anything else stays (oslo_config/cfg.py ConfigOpts._substitute). */
function substitute(text: string, scope: Scope): string {
  if (!text.includes('$')) return text
  return text.replaceAll('\\$', '$$$$').replace(reference, (_all, escaped?: string, bare?: string, braced?: string) => {
    if (escaped) return '$'
    return referenced((bare ?? braced)!, scope)
  })
}

/** The text that a reference stands for. The name may be that of an option of the same group, of another (`group.name`) or of DEFAULT. */
function referenced(name: string, scope: Scope): string {
  const dot = name.indexOf('.')
  const places: [group: string, name: string][] =
    dot < 0
      ? [
          [scope.group, name],
          ['DEFAULT', name],
        ]
      : [[name.slice(0, dot), name.slice(dot + 1)]]
  for (const [group, option] of places) {
    const text = textOf(group, option, scope)
    if (text !== undefined) return text
  }
  throw new BadValue(`$${name} names no option that is known here; a dollar sign itself is written $$`)
}

/** What an option holds, as text; undefined when it is neither set nor declared. */
function textOf(group: string, name: string, scope: Scope): string | undefined {
  const key = `${group}/${name}`
  if (scope.within.includes(key)) throw new BadValue(`$${name} leads back to itself`)
  const own = group === scope.optionGroup.group ? Object.values(scope.optionGroup.options).find((each) => each.name === name) : undefined
  const declaration = own ?? scope.sources.declaration(group, name)
  const given: readonly Given[] = scope.sources.find(group, declaration ?? { name, deprecated: [], kind: 'text' })
  const text = given.at(-1)?.text ?? (declaration && (declaration.default === null ? '' : String(declaration.default)))
  return text === undefined ? undefined : substitute(text, { ...scope, group, within: [...scope.within, key] })
}
