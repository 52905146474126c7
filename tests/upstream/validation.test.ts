import { expect, test } from 'vitest'
import { firstProblem } from '../../src/api/serve/explain.ts'
import { verdictOf } from '../../src/api/serve/validate.ts'
import type { Schema } from '../../src/api/spec/shape.ts'
import { mutations, seeded } from '../support/mutations.ts'
import { upstream } from './operations.ts'

// The verdict is ajv's and the words are ours: both must agree on every value, for every schema that Nova declares
const schemas = new Map<string, { at: string; schema: Schema }>()
for (const operation of upstream)
  for (const minor of operation.boundaries)
    for (const schema of [operation.body(minor), operation.query(minor)])
      if (schema) schemas.set(JSON.stringify(schema), { at: `${operation.at} 2.${minor}`, schema })

test(`verdict and explanation agree on ${schemas.size} schemas`, () => {
  const random = seeded(20260101)
  let valid = 0
  let checked = 0
  for (const { at, schema } of schemas.values())
    for (const value of mutations(schema, random, 25)) {
      const verdict = verdictOf(schema)(structuredClone(value))
      const problem = firstProblem(schema, structuredClone(value))
      checked++
      if (verdict) valid++
      if (verdict === (problem !== undefined))
        expect.fail(`${at}: ${JSON.stringify(value)?.slice(0, 400)} verdict ${verdict}, ${problem?.message.slice(0, 200)}`)
    }
  // A test that never met a valid or an invalid value would prove nothing
  expect(valid).toBeGreaterThan(checked * 0.05)
  expect(valid).toBeLessThan(checked * 0.95)
}, 60_000)
