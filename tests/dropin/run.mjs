#!/usr/bin/env node
// The drop-in proof, on demand: in a real deployment whose own compute and metadata APIs are stopped, starts ours with its nova.conf and api-paste.ini, and
// compares what they answer with what Nova answered. What must be in the environment: see services.mjs, and
//   CONFORMANCE        the folder with conform.mjs
// Arguments: the scenarios; all of them when there are none (those that move hosts and zones go last, alone).
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { clientEnvironment, needed, startServices } from './services.mjs'

const conform = join(needed('CONFORMANCE'), 'conform.mjs')
const env = clientEnvironment()
const alone = new Set(['aggregates', 'services'])
const named = process.argv.slice(2)
const all = named.length > 0 ? named : await scenarios()
const running = await startServices()
process.stdout.write(`logs: ${running.folder}\n`)
const total = { same: 0, all: 0 }
try {
  await check(all.filter((name) => !alone.has(name)))
  for (const name of all.filter((name) => alone.has(name))) await check([name])
} finally {
  await running.stop()
}
process.stdout.write(`\n${total.same} passed, ${total.all - total.same} failed, 0 skipped\n`)
process.exit(total.all > 0 && total.same === total.all ? 0 : 1)

async function scenarios() {
  const out = await run(['list'], () => {})
  return [...out.matchAll(/^([a-z][a-z0-9-]*)\s+\d+$/gm)].map(([, name]) => name)
}

async function check(names) {
  if (names.length === 0) return
  const out = await run(['check', ...names], (chunk) => process.stdout.write(chunk))
  for (const [, same, of] of out.matchAll(/^[✓✗] \S+: (\d+)\/(\d+) identical/gm)) {
    total.same += Number(same)
    total.all += Number(of)
  }
}

function run(argv, tell) {
  const child = spawn(process.execPath, [conform, ...argv], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
    tell(chunk)
  })
  return new Promise((done, fail) => child.on('error', fail).on('close', () => done(out)))
}
