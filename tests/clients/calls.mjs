#!/usr/bin/env node
// Makes every call that client libraries have for compute, on demand, against an embedded cloud for each: node tests/clients/calls.mjs [library ...]
// Where the libraries are: see NOVA_TS_CLIENT_PREFIX in inside.ts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const { inTestCloud } = await import('./cloud.ts')
const { failed, report, runRows } = await import('./suite.ts')

/** What calls.py is told. 2.96 is the newest version that novaclient knows. */
const libraries = ['novaclient 2.1', 'novaclient 2.96', 'openstacksdk']
const calls = readFileSync(join(import.meta.dirname, 'calls.py'), 'utf8')
const wanted = process.argv.slice(2)
let bad = 0
for (const words of libraries.filter((words) => wanted.length === 0 || wanted.some((name) => words.includes(name)))) {
  const results = await inTestCloud(async ({ cloud }, workspace) => {
    await workspace.write('clouds.yaml', readFileSync(join(cloud.state, 'clouds.yaml'), 'utf8'))
    await workspace.write('calls.py', calls)
    const env = { HOME: workspace.folder, OS_CLIENT_CONFIG_FILE: `${workspace.folder}/clouds.yaml` }
    return runRows(workspace, `python3 calls.py ${words}`, env)
  })
  report(words, results)
  bad += failed(results)
}
process.exit(bad > 0 ? 1 : 0)
