/** The versioned objects are those of Nova 33.0.2: names, versions, fields, their kinds and defaults, and the words of enumerations. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Field } from '../../src/oslo/objects/field.ts'
import type { Fields, ObjectType } from '../../src/oslo/objects/object.ts'

interface Facts {
  enums: Record<string, string[]>
  objects: Record<string, { version: string; fields: Record<string, string> }>
}
const facts: Facts = JSON.parse(readFileSync(new URL('./facts/objects.json', import.meta.url), 'utf8'))

const directory = new URL('../../src/stores/objects/', import.meta.url)
const files = readdirSync(directory).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
const modules: Record<string, unknown>[] = await Promise.all(files.map((file) => import(new URL(file, directory).href)))
const exported = Object.assign({}, ...modules) as Record<string, unknown>

const isType = (value: unknown): value is ObjectType<Fields> => typeof value === 'object' && value !== null && 'fromWire' in value
const isEnum = (value: unknown): value is Field<unknown> => typeof value === 'object' && value !== null && 'values' in value
const types = Object.values(exported).filter(isType)
const enums = Object.values(exported).filter(isEnum)

const described = ({ kind, initial }: Field<unknown>): string => (initial ? `${kind} = ${JSON.stringify(initial())}` : kind)

test('every object is defined, and no other', () => {
  expect(types.map(({ name }) => name).sort()).toEqual(Object.keys(facts.objects).sort())
})

describe('objects', () => {
  for (const { name, version, fields } of types)
    test(name, () => {
      const own = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, described(field)]))
      expect({ version, fields: own }).toEqual(facts.objects[name])
      expect(exported[name]).toMatchObject({ name })
    })
})

describe('enumerations', () => {
  for (const { kind, values } of enums) test(kind, () => expect(values).toEqual(facts.enums[kind]))
  test('are all there', () => expect(enums.map(({ kind }) => kind).sort()).toEqual(Object.keys(facts.enums).sort()))
})
