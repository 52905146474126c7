/** Writes the documents that are made of the tables: `npm run docs`. tests/docs.test.ts keeps them current. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { documents } from '../tests/docs/documents.ts'

const root = join(import.meta.dirname, '..')
const made = documents()
const reference = join(root, 'docs', 'reference')
mkdirSync(reference, { recursive: true })
for (const file of readdirSync(reference)) if (!made.has(`docs/reference/${file}`)) rmSync(join(reference, file))
for (const [file, text] of made) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}
