/** A value that a schema lets through, for requests that shall get as far as the policy. */
import type { Schema } from '../../src/api/spec/shape.ts'

type Bag = Record<string, unknown>

const words: Readonly<Record<string, string>> = {
  uuid: '00000000-0000-4000-8000-0000000000aa',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  base64: 'YQ==',
  cidr: '192.0.2.0/24',
  'date-time': '2026-01-01T00:00:00Z',
}

/** What is required, and no more. Patterns are met by trying a few words. */
export function sampleOf(schema: Schema): unknown {
  if (Array.isArray(schema.enum)) return schema.enum[0]
  if ('const' in schema) return schema.const
  for (const key of ['oneOf', 'anyOf', 'allOf'] as const) {
    const variants = schema[key] as Schema[] | undefined
    if (variants?.[0] && schema.type !== 'object') return sampleOf({ ...schema, [key]: undefined, ...variants[0] })
  }
  switch ([schema.type].flat()[0]) {
    case 'object':
      return objectOf(schema)
    case 'array':
      return listOf(schema)
    case 'integer':
    case 'number':
      return Number(schema.minimum ?? 1)
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return textOf(schema)
  }
}

function objectOf(schema: Schema): Bag {
  const properties = (schema.properties ?? {}) as Record<string, Schema>
  const variant = ((schema.anyOf ?? schema.oneOf) as Schema[] | undefined)?.[0]
  const required = [...((schema.required ?? []) as string[]), ...((variant?.required ?? []) as string[])]
  const out: Bag = {}
  for (const key of new Set(required)) out[key] = sampleOf(properties[key] ?? {})
  const [first] = Object.keys(properties)
  if (Object.keys(out).length < Number(schema.minProperties ?? 0)) {
    const [, pattern] = Object.entries((schema.patternProperties ?? {}) as Record<string, Schema>)[0] ?? []
    out[pattern ? 'key' : first!] = sampleOf(pattern ?? properties[first!]!)
  }
  return out
}

function listOf(schema: Schema): unknown[] {
  const heads = (schema.prefixItems ?? []) as Schema[]
  if (heads.length > 0) return heads.map(sampleOf)
  return Number(schema.minItems ?? 0) > 0 ? [sampleOf((schema.items ?? {}) as Schema)] : []
}

function textOf({ format, pattern, minLength }: Schema): string {
  if (typeof format === 'string' && words[format]) return words[format]
  const tries = ['1', 'a', 'name', '/dev/vdb', words['date-time']!, 'aa:bb:cc:dd:ee:ff']
  const fits = (text: string) => (typeof pattern !== 'string' || new RegExp(pattern).test(text)) && text.length >= Number(minLength ?? 0)
  return tries.find(fits) ?? 'name'
}
