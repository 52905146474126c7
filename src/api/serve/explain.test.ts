import { expect, test } from 'vitest'
import type { Schema } from '../spec/shape.ts'
import { firstProblem } from './explain.ts'

/** As python-jsonschema says it (4.26, what Nova 33 runs with). */
const rows: [Schema, unknown, string | undefined][] = [
  [{ type: 'object' }, [1], "[1] is not of type 'object'"],
  [{ type: 'object' }, null, "None is not of type 'object'"],
  [{ type: ['integer', 'string'] }, 1.5, "1.5 is not of type 'integer', 'string'"],
  [{ type: 'integer' }, true, "True is not of type 'integer'"],
  [{ type: 'string', minLength: 1 }, '', "'' should be non-empty"],
  [{ type: 'string', minLength: 2 }, 'a', "'a' is too short"],
  [{ type: 'string', maxLength: 1 }, 'ab', "'ab' is too long"],
  [{ type: 'string', maxLength: 2 }, '😀😀', undefined],
  [{ enum: ['a', true] }, 'b', "'b' is not one of ['a', True]"],
  [{ enum: [true, '1'] }, 1, "1 is not one of [True, '1']"],
  [{ pattern: '^[0-9]+$' }, '1\n', undefined],
  [{ pattern: '^[0-9]+$' }, '1\n\n', "'1\\n\\n' does not match '^[0-9]+$'"],
  [{ minimum: 1 }, '0', '0 is less than the minimum of 1'],
  [{ minimum: 1 }, 'x', undefined],
  [{ maximum: 5 }, '1_0', '10 is greater than the maximum of 5'],
  [{ exclusiveMinimum: 0 }, 0, '0 is less than or equal to the minimum of 0'],
  [{ items: { type: 'string' } }, ['a', 1], "1 is not of type 'string'"],
  [{ uniqueItems: true }, [{ a: 1 }, { a: 1 }], "[{'a': 1}, {'a': 1}] has non-unique elements"],
  [{ minItems: 1 }, [], '[] should be non-empty'],
  [{ maxItems: 1 }, [1, 2], '[1, 2] is too long'],
  [{ minProperties: 1 }, {}, '{} should be non-empty'],
  [{ maxProperties: 1 }, { a: 1, b: 2 }, "{'a': 1, 'b': 2} has too many properties"],
  [{ required: ['a', 'b'] }, { b: 1 }, "'a' is a required property"],
  [
    { properties: { a: {} }, additionalProperties: false },
    { c: 1, b: 2 },
    "Additional properties are not allowed ('b', 'c' were unexpected)",
  ],
  [{ properties: { a: {} }, additionalProperties: false }, { b: 2 }, "Additional properties are not allowed ('b' was unexpected)"],
  [{ patternProperties: { '^a$': {} }, additionalProperties: false }, { b: 1 }, "'b' does not match any of the regexes: '^a$'"],
  [{ oneOf: [{ type: 'string' }, { type: 'null' }] }, 1, '1 is not valid under any of the given schemas'],
  [{ oneOf: [{ type: 'string' }, { minLength: 1 }] }, 'a', "'a' is valid under each of {'minLength': 1}, {'type': 'string'}"],
  [{ format: 'uuid' }, 'x', "'x' is not a 'uuid'"],
  [{ format: 'uuid' }, '{00000000-0000-0000-0000-000000000000}', undefined],
  [{ format: 'ipv4' }, '1.2.3', "'1.2.3' is not a 'ipv4'"],
  [{ format: 'ipv6' }, 'fe80::1%eth0', "'fe80::1%eth0' is not a 'ipv6'"],
  [{ format: 'base64' }, 'YQ', "'YQ' is not a 'base64'"],
  [{ format: 'base64' }, 'YQ==', undefined],
  [{ format: 'date-time' }, '2026-02-30', "'2026-02-30' is not a 'date-time'"],
  [{ format: 'date-time' }, '2026-02-28T10:00:00Z', undefined],
  [{ format: 'regex' }, '(', "'(' is not a 'regex'"],
  [
    { format: 'name' },
    ' a',
    "An invalid 'name' value was provided. The name must be: printable characters. Can not start or end with whitespace.",
  ],
  [{ format: 'name' }, 'a b', undefined],
  [{ format: 'name' }, '', undefined],
  [
    { format: 'name' },
    1,
    "An invalid 'name' value was provided. The name must be: printable characters. Can not start or end with whitespace.",
  ],
  [{ format: 'name_with_leading_trailing_spaces' }, ' a ', undefined],
  [
    { format: 'name_with_leading_trailing_spaces' },
    '  ',
    "An invalid 'name' value was provided. The name must be: printable characters with at least one non space character",
  ],
  [
    { format: 'az_name' },
    'a:b',
    "An invalid 'name' value was provided. The name must be: printable characters except :.Can not start or end with whitespace.",
  ],
]
for (const [schema, value, message] of rows)
  test(`${JSON.stringify(schema)} ${JSON.stringify(value)}`, () => expect(firstProblem(schema, value)?.message).toBe(message))

test('the first in the order of the schema is told, with its path', () => {
  const schema = { type: 'object', properties: { b: { type: 'string' }, a: { items: { type: 'string' } } }, required: ['c'] }
  expect(firstProblem(schema, { a: [1], b: 2 })).toMatchObject({ path: ['b'], instance: 2 })
  expect(firstProblem(schema, { a: ['x', 1] })).toMatchObject({ path: ['a', 1] })
  expect(firstProblem(schema, {})).toMatchObject({ path: [], message: "'c' is a required property" })
})

test('the legacy endpoint drops unknown keys, unless all are unknown', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false }
  const value = { a: 'x', b: 1 }
  expect(firstProblem(schema, value, { relaxed: true })).toBeUndefined()
  expect(value).toEqual({ a: 'x' })
  const unknown = { b: 1 }
  expect(firstProblem(schema, unknown, { relaxed: true })).toBeUndefined()
  expect(unknown).toEqual({ b: 1 })
})
