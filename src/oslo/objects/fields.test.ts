import { describe, expect, test } from 'vitest'
import { InvalidField } from './errors.ts'
import type { Field } from './field.ts'
import {
  boolean,
  choice,
  datetime,
  dictOf,
  flexibleBoolean,
  float,
  integer,
  ipAddress,
  ipNetwork,
  ipv4,
  ipv6,
  listOf,
  macAddress,
  pattern,
  secret,
  setOf,
  text,
  uuid,
} from './fields.ts'

const color = choice('Color', ['red', 'blue'], (value) => (value === 'rot' ? 'red' : value))

describe('a field takes what oslo takes', () => {
  const rows: [field: Field<never>, given: unknown, taken: unknown][] = (
    [
      [text, 'x', 'x'],
      [text, 5, '5'],
      [text, true, 'True'],
      [uuid, 'no-uuid', 'no-uuid'],
      [integer, 5, 5],
      [integer, '-12', -12],
      [integer, ' 7 ', 7],
      [integer, 5.9, 5],
      [integer, -5.9, -5],
      [integer, true, 1],
      [float, 1.5, 1.5],
      [float, '16', 16],
      [boolean, 0, false],
      [boolean, 'no', true],
      [boolean, '', false],
      [boolean, [], false],
      [flexibleBoolean, 'Yes', true],
      [flexibleBoolean, ' on ', true],
      [flexibleBoolean, 1, true],
      [flexibleBoolean, 'yess', false],
      [flexibleBoolean, false, false],
      [datetime, '2026-03-01T10:00:00Z', '2026-03-01T10:00:00Z'],
      [datetime, '2026-03-01 10:00:00.999999', '2026-03-01T10:00:00Z'],
      [datetime, '2026-03-01T10:00:00+00:00', '2026-03-01T10:00:00Z'],
      [datetime, '2026-03-01T00:30:00+02:00', '2026-02-28T22:30:00Z'],
      [datetime, '2026-03-01T00:30:00-0130', '2026-03-01T02:00:00Z'],
      [ipv4, '10.0.0.1', '10.0.0.1'],
      [ipv6, 'FE80:0:0::1', 'fe80::1'],
      [ipv6, '0000:0000:0000:0000:0000:babe:220.12.22.2', '::babe:dc0c:1602'],
      [ipv6, '64:ff9b::1.2.3.4', '64:ff9b::102:304'],
      [ipv6, '::FFFF:0:1.2.3.4', '::ffff:0:102:304'],
      [ipv6, '::ffff:0:5', '::ffff:0.0.0.5'],
      [ipv6, '::ffff:1', '::255.255.0.1'],
      [ipv6, '::1:2', '::0.1.0.2'],
      [ipv6, '::1', '::1'],
      [ipv6, 'FE80::1%eth0', 'fe80::1%eth0'],
      [ipAddress, '10.0.0.1', '10.0.0.1'],
      [ipAddress, '2001:DB8::0001', '2001:db8::1'],
      [ipAddress, '::FFFF:10.0.0.1', '::ffff:10.0.0.1'],
      [ipNetwork, '10.0.0.0/32', '10.0.0.0/32'],
      [ipNetwork, 'FE80::/128', 'fe80::/128'],
      [macAddress, 'FA-16-3E-00-00-01', 'fa:16:3e:00:00:01'],
      [color, 'red', 'red'],
      [color, 'rot', 'red'],
      [text.orNull(), null, null],
      [listOf(integer), ['1', 2], [1, 2]],
      [listOf(text.orNull()), ['a', null], ['a', null]],
      [setOf(integer), [3, '3', 1], [3, 1]],
      [dictOf(listOf(integer)), { a: ['1'] }, { a: [1] }],
      [dictOf(text).orNull(), null, null],
    ] as const
  ).map(([field, given, taken]) => [field as unknown as Field<never>, given, taken])
  for (const [field, given, taken] of rows)
    test(`${field.kind}: ${JSON.stringify(given)}`, () => {
      expect(field.read(given, 'X.f')).toEqual(taken)
      expect(field.write(given as never, 'X.f')).toEqual(taken)
    })
})

describe('a field refuses, in the words of oslo', () => {
  const rows: [field: { read(value: unknown, at: string): unknown; kind: string }, given: unknown, reason: string][] = [
    [text, null, "Field `f' cannot be None"],
    [text, undefined, "Field `f' cannot be None"],
    [text, ['x'], 'A string is required in field f, not a list'],
    [text, { a: 1 }, 'A string is required in field f, not a dict'],
    [secret, ['pw'], 'A string is required in field f, not a list'],
    [integer, 'four', "invalid literal for int() with base 10: 'four'"],
    [integer, '1.5', "invalid literal for int() with base 10: '1.5'"],
    [integer, ['1'], "int() argument must be a string, a bytes-like object or a real number, not 'list'"],
    [float, 'x', "could not convert string to float: 'x'"],
    [float, '', "could not convert string to float: ''"],
    [float, {}, "float() argument must be a string or a real number, not 'dict'"],
    [datetime, 'yesterday', "Unable to parse date string 'yesterday'"],
    [datetime, 5, 'A datetime.datetime is required in field f, not a int'],
    [ipv4, 'fe80::1', 'Network "fe80::1" is not valid in field f'],
    [ipv6, '10.0.0.1', 'Network "10.0.0.1" is not valid in field f'],
    [ipAddress, '10.0.0.256', "failed to detect a valid IP address from '10.0.0.256'"],
    [ipNetwork, '10.0.0.0/33', 'invalid IPNetwork 10.0.0.0/33'],
    [ipNetwork, 'fe80::/129', 'invalid IPNetwork fe80::/129'],
    [ipNetwork, '10.0.0.0', 'invalid IPNetwork 10.0.0.0'],
    [macAddress, 'fa:16:3e:00:00', 'Malformed MAC fa:16:3e:00:00'],
    [pattern('even', /^[02468]+$/, (value) => `odd: ${value}`), '3', 'odd: 3'],
    [color, 'green', 'Field value green is invalid'],
    [color, ['red'], 'Field value red is invalid'],
    [listOf(text), 'x', 'A list is required in field f, not a str'],
    [listOf(text), { a: 1 }, 'A list is required in field f, not a dict'],
    [listOf(text), ['a', null], "Field `f[1]' cannot be None"],
    [dictOf(text), ['x'], 'A dict is required in field f, not a list'],
    [dictOf(integer), { a: 'x' }, "invalid literal for int() with base 10: 'x'"],
  ]
  for (const [field, given, reason] of rows)
    test(`${field.kind}: ${JSON.stringify(given)}`, () => {
      const seen = (() => {
        try {
          return field.read(given, 'X.f')
        } catch (error) {
          return error
        }
      })()
      expect(seen).toBeInstanceOf(InvalidField)
      expect(seen).toMatchObject({ reason, message: expect.stringContaining('X.f') })
    })
})

test('a default is another value each time', () => {
  const field = listOf(integer).initially([])
  field.initial!().push(1)
  expect(field.initial!()).toEqual([])
  expect(text.initial).toBeUndefined()
  expect(text.orNull().initially(null).initial!()).toBeNull()
})
