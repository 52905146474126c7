/** Values for a schema: some that fit it, and the same with something wrong in them. */
import type { Schema } from '../../src/api/spec/shape.ts'

export type Random = () => number

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!

/** Values of other types, and texts that trip parsers. */
const odd: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e20,
  '',
  ' ',
  'x',
  '0',
  '-1',
  '10\n',
  '\u0000',
  '\ud83d\ude00',
  'é',
  '%',
  '../',
  'a'.repeat(300),
  [],
  {},
  [null],
  { a: {} },
  [[[[]]]],
]

const samples: Readonly<Record<string, readonly unknown[]>> = {
  uuid: ['8d5a1a3e-0b3e-4f0f-9d39-0d2f0e5ad6b1', '8d5a1a3e0b3e4f0f9d390d2f0e5ad6b1'],
  ipv4: ['192.0.2.1'],
  ipv6: ['2001:db8::1'],
  base64: ['aGVsbG8=', ''],
  'date-time': ['2026-01-02T03:04:05Z', '2026-01-02'],
  regex: ['^a.*$'],
  cidr: ['192.0.2.0/24'],
  uri: ['http://example.org/x'],
}
const texts = ['a', 'abc', '1', '12', 'ssh', 'a-b.c_d', '/dev/vda', 'auto', 'fa:16:3e:00:00:01', 'x'.repeat(40)]

/** `count` values: the first fits as well as can be guessed, the others are changed in one place or more. */
export function* mutations(schema: Schema, random: Random, count: number): Generator<unknown> {
  yield valueFor(schema, random)
  for (let i = 1; i < count; i++) {
    let value = valueFor(schema, random)
    for (let changes = Math.floor(random() * 3); changes > 0; changes--) value = changed(value, random)
    yield value
  }
}

/** A value that fits, or nearly. */
export function valueFor(schema: Schema, random: Random): unknown {
  for (const keyword of ['oneOf', 'anyOf'] as const) {
    const options = schema[keyword] as Schema[] | undefined
    if (options) return valueFor({ ...without(schema, keyword), ...pick(random, options) }, random)
  }
  if (schema.allOf) return valueFor(Object.assign({}, without(schema, 'allOf'), ...(schema.allOf as Schema[])), random)
  if ('const' in schema) return schema.const
  if (schema.enum) return pick(random, schema.enum as unknown[])
  switch (pick(random, [schema.type ?? 'string'].flat() as string[])) {
    case 'object':
      return objectFor(schema, random)
    case 'array':
      return Array.from({ length: Math.max(Number(schema.minItems ?? 0), Math.floor(random() * 3)) }, () =>
        valueFor((schema.items ?? {}) as Schema, random),
      )
    case 'integer':
    case 'number':
      return Number(schema.minimum ?? 1) + Math.floor(random() * 3)
    case 'boolean':
      return random() < 0.5
    case 'null':
      return null
    default:
      return textFor(schema, random)
  }
}

const without = (schema: Schema, keyword: string): Schema => Object.fromEntries(Object.entries(schema).filter(([key]) => key !== keyword))

function objectFor(schema: Schema, random: Random): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  const required = (schema.required ?? []) as string[]
  for (const [key, property] of Object.entries((schema.properties ?? {}) as Record<string, Schema>))
    if (required.includes(key) || random() < 0.3) out[key] = valueFor(property, random)
  for (const property of Object.values((schema.patternProperties ?? {}) as Record<string, Schema>))
    if (random() < 0.5) out.key1 = valueFor(property, random)
  return out
}

function textFor({ format, minimum, pattern, minLength = 0, maxLength = 255 }: Schema, random: Random): string {
  if (typeof format === 'string' && samples[format]) return pick(random, samples[format]) as string
  if (minimum !== undefined || (typeof pattern === 'string' && pattern.includes('[0-9]')))
    return String(Number(minimum ?? 1) + Math.floor(random() * 3))
  const text = pick(random, texts)
  return text.slice(0, Number(maxLength)).padEnd(Number(minLength), 'x')
}

/** The value with one thing in it replaced, added or taken away. */
export function changed(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random() < 0.1) return pick(random, odd)
  if (Array.isArray(value)) {
    if (value.length === 0 || random() < 0.2) return [...value, pick(random, odd)]
    const at = Math.floor(random() * value.length)
    return value.map((item, i) => (i === at ? changed(item, random) : item))
  }
  const keys = Object.keys(value)
  const kind = random()
  if (keys.length === 0 || kind < 0.15) return { ...value, [pick(random, ['extra', 'x y', '', '__proto__x', 'é'])]: pick(random, odd) }
  const key = pick(random, keys)
  if (kind < 0.3) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
  return { ...value, [key]: changed((value as Record<string, unknown>)[key], random) }
}
