import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { documents } from './documents.ts'

const root = join(import.meta.dirname, '..', '..')
const made = documents()

test('documents that are made of the tables are current: npm run docs', () => {
  const stale = [...made].filter(([file, text]) => !existsSync(join(root, file)) || readFileSync(join(root, file), 'utf8') !== text)
  expect(stale.map(([file]) => file)).toEqual([])
})

test('and there is no other', () => {
  const files = readdirSync(join(root, 'docs', 'reference')).map((file) => `docs/reference/${file}`)
  expect(files.filter((file) => !made.has(file))).toEqual([])
})

test('nothing that was compared differs', () => {
  expect(made.get('docs/compatibility.md')).not.toContain('✗')
})
