/**
 * Finds the first thing wrong with a value in the order in which Nova's validator meets it (jsonschema walks a schema's keywords as they were
 * written), and says it in the same words. Slower than the verdict of validate.ts, and used when that is no, or on the legacy endpoint.
 */
import { isDeepStrictEqual } from 'node:util'
import { numberFrom, repr } from '../../oslo/python.ts'
import type { Schema } from '../spec/shape.ts'
import { formats, hasFormat } from './formats.ts'
import { patternOf } from './pattern.ts'

export interface Problem {
  readonly path: readonly (string | number)[]
  readonly instance: unknown
  readonly message: string
  /** A refused name has a message of its own, without path and value. */
  readonly whole?: boolean
}

export interface Rules {
  /** Unknown keys are dropped from the value instead of refused: the legacy endpoint. */
  readonly relaxed?: boolean
}

type Path = readonly (string | number)[]
type Keyword = (rule: never, value: unknown, schema: Schema, path: Path, rules: Rules) => Problem | undefined
type Bag = Record<string, unknown>

/** The first problem, or undefined when the value is valid. */
export function firstProblem(schema: Schema, value: unknown, rules: Rules = {}, path: Path = []): Problem | undefined {
  for (const [name, rule] of Object.entries(schema)) {
    const found = keywords[name]?.(rule as never, value, schema, path, rules)
    if (found) return found
  }
  return undefined
}

const problem = (path: Path, instance: unknown, message: string): Problem => ({ path, instance, message })
const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)
/** Python counts code points. */
const lengthOf = (text: string): number => (/[\ud800-\udbff]/.test(text) ? [...text].length : text.length)

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isBag,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  integer: Number.isInteger,
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null || value === undefined,
}

/** A rule on size: texts, lists and objects say it in the same way. */
const sized =
  (
    size: (value: unknown) => number | undefined,
    wrong: (size: number, bound: number) => boolean,
    words: (bound: number) => string,
  ): Keyword =>
  (bound: number, value, _schema, path) => {
    const now = size(value)
    return now !== undefined && wrong(now, bound) ? problem(path, value, `${repr(value)} ${words(bound)}`) : undefined
  }

const textSize = (value: unknown) => (typeof value === 'string' ? lengthOf(value) : undefined)
const listSize = (value: unknown) => (Array.isArray(value) ? value.length : undefined)
const bagSize = (value: unknown) => (isBag(value) ? Object.keys(value).length : undefined)
const below = (size: number, bound: number) => size < bound
const above = (size: number, bound: number) => size > bound
const short = (bound: number) => (bound === 1 ? 'should be non-empty' : 'is too short')
const long = (bound: number) => (bound === 0 ? 'is expected to be empty' : 'is too long')

const bounded =
  (wrong: (value: number, bound: number) => boolean, words: string, read: (value: unknown) => number | undefined): Keyword =>
  (bound: number, value, _schema, path) => {
    const now = read(value)
    return now !== undefined && wrong(now, bound) ? problem(path, value, `${repr(now)} ${words} ${repr(bound)}`) : undefined
  }
const plainNumber = (value: unknown) => (typeof value === 'number' ? value : undefined)

const keywords: Readonly<Record<string, Keyword>> = {
  type(wanted: string | string[], value, _schema, path) {
    const all = [wanted].flat()
    if (all.some((type) => types[type]!(value))) return undefined
    return problem(path, value, `${repr(value)} is not of type ${all.map(repr).join(', ')}`)
  },
  properties(properties: Record<string, Schema>, value, _schema, path, rules) {
    if (!isBag(value)) return undefined
    for (const [key, schema] of Object.entries(properties)) {
      const found = Object.hasOwn(value, key) && firstProblem(schema, value[key], rules, [...path, key])
      if (found) return found
    }
    return undefined
  },
  patternProperties(patterns: Record<string, Schema>, value, _schema, path, rules) {
    if (!isBag(value)) return undefined
    for (const [pattern, schema] of Object.entries(patterns)) {
      const regExp = patternOf(pattern)
      for (const [key, item] of Object.entries(value)) {
        const found = regExp.test(key) && firstProblem(schema, item, rules, [...path, key])
        if (found) return found
      }
    }
    return undefined
  },
  additionalProperties(rule: boolean | Schema, value, schema, path, rules) {
    if (!isBag(value) || rule === true) return undefined
    const extra = extraKeys(value, schema)
    if (extra.length === 0) return undefined
    if (rules.relaxed) return dropped(extra, value, schema, path)
    if (typeof rule === 'object') {
      for (const key of extra) {
        const found = firstProblem(rule, value[key], rules, [...path, key])
        if (found) return found
      }
      return undefined
    }
    const names = [...extra].sort().map(repr).join(', ')
    if ('patternProperties' in schema) {
      const patterns = Object.keys(schema.patternProperties as object)
        .sort()
        .map(repr)
        .join(', ')
      return problem(path, value, `${names} ${extra.length === 1 ? 'does' : 'do'} not match any of the regexes: ${patterns}`)
    }
    return problem(path, value, unexpected(names, extra.length))
  },
  required(names: string[], value, _schema, path) {
    if (!isBag(value)) return undefined
    const missing = names.find((name) => !Object.hasOwn(value, name))
    return missing === undefined ? undefined : problem(path, value, `${repr(missing)} is a required property`)
  },
  items(schema: Schema, value, _schema, path, rules) {
    if (!Array.isArray(value)) return undefined
    for (const [index, item] of value.entries()) {
      const found = firstProblem(schema, item, rules, [...path, index])
      if (found) return found
    }
    return undefined
  },
  prefixItems(schemas: Schema[], value, _schema, path, rules) {
    if (!Array.isArray(value)) return undefined
    for (const [index, schema] of schemas.entries()) {
      const found = index < value.length && firstProblem(schema, value[index], rules, [...path, index])
      if (found) return found
    }
    return undefined
  },
  enum(members: unknown[], value, _schema, path) {
    return members.some((member) => member === value) ? undefined : problem(path, value, `${repr(value)} is not one of ${repr(members)}`)
  },
  const(wanted: unknown, value, _schema, path) {
    return wanted === value ? undefined : problem(path, value, `${repr(wanted)} was expected`)
  },
  pattern(pattern: string, value, _schema, path) {
    return typeof value !== 'string' || patternOf(pattern).test(value)
      ? undefined
      : problem(path, value, `${repr(value)} does not match ${repr(pattern)}`)
  },
  format(name: string, value, _schema, path) {
    if (hasFormat(value, name)) return undefined
    const reason = formats[name]?.reason
    if (!reason) return problem(path, value, `${repr(value)} is not a ${repr(name)}`)
    return { path, instance: value, message: `An invalid 'name' value was provided. The name must be: ${reason}`, whole: true }
  },
  // Nova's validator also bounds numbers that are given as texts
  minimum: bounded(below, 'is less than the minimum of', numberFrom),
  maximum: bounded(above, 'is greater than the maximum of', numberFrom),
  exclusiveMinimum: bounded((value, bound) => value <= bound, 'is less than or equal to the minimum of', plainNumber),
  minLength: sized(textSize, below, short),
  maxLength: sized(textSize, above, long),
  minItems: sized(listSize, below, short),
  maxItems: sized(listSize, above, long),
  minProperties: sized(bagSize, below, (bound) => (bound === 1 ? 'should be non-empty' : 'does not have enough properties')),
  maxProperties: sized(bagSize, above, (bound) => (bound === 0 ? 'is expected to be empty' : 'has too many properties')),
  uniqueItems(rule: boolean, value, _schema, path) {
    if (!rule || !Array.isArray(value)) return undefined
    const twice = value.some((item, i) => value.slice(0, i).some((before) => isDeepStrictEqual(before, item)))
    return twice ? problem(path, value, `${repr(value)} has non-unique elements`) : undefined
  },
  allOf(schemas: Schema[], value, _schema, path, rules) {
    for (const schema of schemas) {
      const found = firstProblem(schema, value, rules, path)
      if (found) return found
    }
    return undefined
  },
  anyOf(schemas: Schema[], value, _schema, path, rules) {
    return schemas.some((schema) => !firstProblem(schema, value, rules, path)) ? undefined : problem(path, value, noneFits(value))
  },
  oneOf(schemas: Schema[], value, _schema, path, rules) {
    const first = schemas.findIndex((schema) => !firstProblem(schema, value, rules, path))
    if (first < 0) return problem(path, value, noneFits(value))
    const more = schemas.slice(first + 1).filter((schema) => !firstProblem(schema, value, rules, path))
    if (more.length === 0) return undefined
    return problem(path, value, `${repr(value)} is valid under each of ${[...more, schemas[first]].map(repr).join(', ')}`)
  },
  not(schema: Schema, value, _schema, path, rules) {
    return !firstProblem(schema, value, rules, path)
      ? problem(path, value, `${repr(value)} should not be valid under ${repr(schema)}`)
      : undefined
  },
}

const noneFits = (value: unknown): string => `${repr(value)} is not valid under any of the given schemas`
const unexpected = (names: string, count: number): string =>
  `Additional properties are not allowed (${names} ${count === 1 ? 'was' : 'were'} unexpected)`

function extraKeys(value: Bag, schema: Schema): string[] {
  const known = (schema.properties ?? {}) as Bag
  const patterns = Object.keys((schema.patternProperties ?? {}) as object).map(patternOf)
  return Object.keys(value).filter((key) => !Object.hasOwn(known, key) && !patterns.some((pattern) => pattern.test(key)))
}

/** nova/api/validation/validators.py _soft_validate_additional_properties: drops what is unknown, unless all of it is. */
function dropped(extra: readonly string[], value: Bag, schema: Schema, path: Path): Problem | undefined {
  if (extra.length === Object.keys(value).length) return undefined
  if ('patternProperties' in schema) return problem(path, value, unexpected(extra.map(repr).join(', '), extra.length))
  for (const key of extra) delete value[key]
  return undefined
}
