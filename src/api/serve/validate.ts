/** Validates bodies and queries: ajv gives the verdict, `explain` the words when it is no. A schema is compiled when it is first needed and kept. */
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { Fault } from '../../compute/faults.ts'
import { numberFrom, str } from '../../oslo/python.ts'
import type { Minor } from '../spec/history.ts'
import { type Schema, type Shapes, schemaAt } from '../spec/shape.ts'
import { firstProblem, type Problem } from './explain.ts'
import { formats } from './formats.ts'
import { patternOf } from './pattern.ts'

const ajv = new Ajv2020({
  strict: false,
  unicodeRegExp: false,
  allErrors: false,
  validateSchema: false,
  code: { regExp: Object.assign((pattern: string) => patternOf(pattern), { code: 'patternOf' }) },
})
// Nova's validator also bounds numbers that are given as texts
for (const [keyword, inside] of [
  ['minimum', (value: number, bound: number) => value >= bound],
  ['maximum', (value: number, bound: number) => value <= bound],
] as const) {
  ajv.removeKeyword(keyword)
  ajv.addKeyword({
    keyword,
    schemaType: 'number',
    compile: (bound: number) => (data: unknown) => {
      const value = numberFrom(data)
      return value === undefined || inside(value, bound)
    },
  })
}
// ajv asks formats of texts only; a name must be a text, which every schema with such a format says by its type as well
for (const [name, { check }] of Object.entries(formats)) ajv.addFormat(name, { type: 'string', validate: check })

const compiled = new Map<string, ValidateFunction>()

/** Equal schemas, of several operations or versions, are compiled once. */
export function verdictOf(schema: Schema): ValidateFunction {
  const key = JSON.stringify(schema)
  let found = compiled.get(key)
  if (!found) compiled.set(key, (found = ajv.compile(schema)))
  return found
}

interface Checked {
  readonly schema: Schema
  readonly verdict: ValidateFunction
}

const byShape = new WeakMap<object, Map<Minor, Checked | null>>()

function checkedAt(shapes: Shapes, minor: Minor): Checked | null {
  let versions = byShape.get(shapes)
  if (!versions) byShape.set(shapes, (versions = new Map()))
  let found = versions.get(minor)
  if (found === undefined) {
    const schema = schemaAt(shapes, minor)
    versions.set(minor, (found = schema ? { schema, verdict: verdictOf(schema) } : null))
  }
  return found
}

/** Throws a `Fault` of kind `invalid` in Nova's words. `minor` 0 is the legacy endpoint: unknown keys are dropped from `body` in place. */
export function validateBody(shapes: Shapes, body: unknown, minor: Minor): void {
  const checked = checkedAt(shapes, minor)
  if (!checked) return
  if (minor === 0) refuse(firstProblem(checked.schema, body, { relaxed: true }), fieldOf)
  else if (!checked.verdict(body)) refuse(firstProblem(checked.schema, body) ?? unexplained(body), fieldOf)
}

/** Query parameters by name, each with every value it was given. */
export type Query = Record<string, string[]>

/** The same for a query. Unknown parameters that the schema lets through are taken out of `query`, so that nothing behind it sees them. */
export function validateQuery(shapes: Shapes, query: Query, minor: Minor): void {
  const checked = checkedAt(shapes, minor)
  if (!checked) return
  const { schema, verdict } = checked
  if (minor === 0) refuse(firstProblem(schema, query, { relaxed: true }), parameterOf)
  else if (!verdict(query)) refuse(firstProblem(schema, query) ?? unexplained(query), parameterOf)
  if (schema.additionalProperties === true) strip(query, schema)
}

function strip(query: Query, schema: Schema): void {
  const known = schema.properties as object
  const patterns = Object.keys((schema.patternProperties ?? {}) as object).map(patternOf)
  for (const key of Object.keys(query)) if (!Object.hasOwn(known, key) && !patterns.some((pattern) => pattern.test(key))) delete query[key]
}

const fieldOf = ({ path, instance, message }: Problem): string =>
  `Invalid input for field/attribute ${path.at(-1)}. Value: ${str(instance)}. ${message}`
const parameterOf = ({ path, instance, message }: Problem): string =>
  `Invalid input for query parameters ${path[0]}. Value: ${str(instance)}. ${message}`

function refuse(problem: Problem | undefined, words: (problem: Problem) => string): void {
  if (problem) throw new Fault('invalid', problem.whole || problem.path.length === 0 ? problem.message : words(problem))
}

/** The two validators disagree: a bug of ours, but the verdict stands. */
const unexplained = (instance: unknown): Problem => ({ path: [], instance, message: 'The request is not valid.' })
