#!/usr/bin/env node
// Runs the journeys, or those whose names begin as the arguments say: `npm run journeys -- 02`. Each begins with a cloud of its own.
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const wanted = process.argv.slice(2)
const files = readdirSync(here).filter((name) => /^\d\d-.*\.ts$/.test(name))
const chosen = files.filter((name) => wanted.length === 0 || wanted.some((word) => name.startsWith(word))).sort()
if (chosen.length === 0) {
  process.stderr.write(`no journey begins with ${wanted.join(' or ')}; there are ${files.join(', ')}\n`)
  process.exit(2)
}

const { travel } = await import('./travel.ts')
const total = { passed: 0, failed: 0, skipped: 0 }
for (const name of chosen) {
  const { travels } = await import(pathToFileURL(join(here, name)).href)
  const { passed, failed, skipped } = await travel(name.replace(/\.ts$/, ''), travels)
  total.passed += passed
  total.failed += failed
  total.skipped += skipped
}
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exit(total.failed > 0 ? 1 : 0)
