import { expect, test } from 'vitest'
import { fromDateTime, toDateTime } from './datetime.ts'

const rows: [number, string][] = [
  [0, '1970-01-01 00:00:00.000000'],
  [1_767_225_600_123, '2026-01-01 00:00:00.123000'],
  [1_709_251_199_999, '2024-02-29 23:59:59.999000'],
]
for (const [milliseconds, text] of rows)
  test(text, () => {
    expect(toDateTime(milliseconds)).toBe(text)
    expect(fromDateTime(text)).toBe(milliseconds)
  })

const read: [string, number][] = [
  ['1970-01-01 00:00:01', 1000],
  ['1970-01-01T00:00:01.5', 1500],
  ['1970-01-01 00:00:00.000999', 0],
]
for (const [text, milliseconds] of read) test(`${text} is read`, () => expect(fromDateTime(text)).toBe(milliseconds))

for (const text of ['', '2026-01-01', '2026-13-01 00:00:00', '2026-01-01 00:00:00Z', '2026-01-01 00:00:00.1234567'])
  test(`${text || 'nothing'} is refused`, () => expect(() => fromDateTime(text)).toThrow(RangeError))
