import { expect, test } from 'vitest'
import { randomPool } from './random-pool.ts'

test('no byte is handed out twice, nor changed afterwards', () => {
  const random = randomPool()
  // more than one pool holds, in sizes that do not divide it
  const handed = Array.from({ length: 700 }, (_, i) => random(i % 2 ? 512 : 200))
  const texts = handed.map((bytes) => bytes.toString('hex'))
  expect(handed.map(({ length }) => length)).toEqual(handed.map((_, i) => (i % 2 ? 512 : 200)))
  random(64 * 1024)
  expect(handed.map((bytes) => bytes.toString('hex'))).toEqual(texts)
  const places = handed.map(({ buffer, byteOffset, length }) => ({ buffer, from: byteOffset, to: byteOffset + length }))
  for (const [i, { buffer, from, to }] of places.entries())
    expect(places.slice(i + 1).find((other) => other.buffer === buffer && other.from < to && from < other.to)).toBeUndefined()
  expect(new Set(texts).size).toBe(texts.length)
})
