import { expect, test } from 'vitest'
import { wholeJson } from '../oslo/database/driver.ts'
import { parsed, parsedAt } from './parsed.ts'

const filler = (letter: string): string => JSON.stringify(letter.repeat(1_500_000))

test('what comes out of a text is the same until others have taken its place', () => {
  const text = JSON.stringify({ length: 'of its own', __proto__: 1 })
  const first = parsed(text)
  expect(parsed(`${text}`)).toBe(first)
  expect(parsed(JSON.stringify({ length: 'of its owm', __proto__: 1 }))).not.toBe(first)
  expect(parsed(text)).toBe(first)
  // Each begins a generation
  for (const letter of ['a', 'b', 'c']) parsed(filler(letter))
  expect(parsed(text)).toEqual(first)
  expect(parsed(text)).not.toBe(first)
})

test.each<[string | null, unknown]>([
  [null, null],
  ['null', null],
  ['{"b":1}', { b: 1 }],
  [`${wholeJson}{"a":{"b":["\\u0000"]}}`, ['\0']],
  [`${wholeJson}{"a":{"b":null}}`, null],
  [`${wholeJson}{"a":null}`, null],
  [`${wholeJson}{}`, null],
])('%j at a path', (text, expected) => {
  expect(parsedAt(text, ['a', 'b'])).toEqual(expected)
})
