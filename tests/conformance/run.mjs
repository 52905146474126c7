#!/usr/bin/env node
// Compares the embedded cloud with recorded answers of Nova 33.0.2: `node tests/conformance/run.mjs <folder with conform.mjs> [scenario ...]`.
// floors.json says how many percent of a scenario must be identical; what differs above that is shown and counts as skipped.
// With STRICT=1 the texts of messages count, too (floors-strict.json); texts.json lists what differs then, and why.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const [folder, ...named] = process.argv.slice(2)
if (!folder) {
  process.stderr.write('which folder holds conform.mjs?\n')
  process.exit(2)
}
if (!existsSync(join(folder, 'conform.mjs'))) {
  process.stderr.write(`there is no conform.mjs in ${resolve(folder)}\n`)
  process.exit(2)
}
const floors = JSON.parse(
  readFileSync(join(dirname(fileURLToPath(import.meta.url)), process.env.STRICT === '1' ? 'floors-strict.json' : 'floors.json'), 'utf8'),
)
const scenarios = named.length > 0 ? named : Object.keys(floors)

const { startCloud } = await import('../support/cloud.ts')
// The recordings name the host of the conductor, which is called `peer` in them
const cloud = await startCloud((text) => process.stdout.write(`${text}\n`), { OS_DEFAULT__HOST: 'peer' })
const total = { passed: 0, failed: 0, skipped: 0 }
try {
  const out = await check({ ...process.env, ...(await cloud.variables()) })
  for (const scenario of scenarios) judge(scenario, out)
} finally {
  await cloud.down()
  rmSync(cloud.folder, { recursive: true, force: true })
}
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exit(total.failed > 0 ? 1 : 0)

function judge(scenario, out) {
  const [, same, all] = new RegExp(`^[✓✗] ${scenario}: (\\d+)/(\\d+) identical`, 'm').exec(out) ?? [null, '0', '1']
  const floor = floors[scenario] ?? 0
  const enough = Number(same) >= (Number(all) * floor) / 100
  total.passed += Number(same)
  total[enough ? 'skipped' : 'failed'] += Number(all) - Number(same)
  if (!enough) process.stdout.write(`${scenario}: ${same} of ${all} are identical, and ${floor} % must be\n`)
}

/** What conform.mjs prints; it goes on to standard output while it comes. */
function check(env) {
  const child = spawn(process.execPath, [join(resolve(folder), 'conform.mjs'), 'check', ...scenarios], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
    process.stdout.write(chunk)
  })
  return new Promise((done, fail) => child.on('error', fail).on('close', () => done(out)))
}
