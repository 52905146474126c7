#!/usr/bin/env node
// The functional tests that client libraries bring along, on demand, against an embedded cloud for each: node tests/clients/suites.mjs [suite] [flags]
//   --regex WORD       only the tests whose names match
//   --concurrency N    workers (2)
//   --write FOLDER     keep status, test and reason of each, parted by tabs, in FOLDER/SUITE.tsv
// Debian's packages carry them. Where they are: see NOVA_TS_CLIENT_PREFIX in inside.ts.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { startTestCloud } = await import('./cloud.ts')
const { ask, openWorkspace } = await import('./inside.ts')
const { failed, report, runSuite, writeResults } = await import('./suite.ts')

/** Package, the folder of its tests, and which of them concern what the compute API does. */
const suites = {
  novaclient: ['novaclient', 'tests/functional', '.'],
  openstackclient: [
    'openstackclient',
    'tests/functional',
    'functional\\.(compute|common\\.(test_availability_zone|test_extension|test_quota|test_versions))',
  ],
  openstacksdk: [
    'openstack',
    'tests/functional',
    'functional\\.(compute\\.|cloud\\.test_(aggregate|compute|devstack|endpoints|flavor|floating_ip|inventory|keypairs|limits|quotas|security_groups|server_group|volume)\\b)',
  ],
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { regex: { type: 'string' }, concurrency: { type: 'string', default: '2' }, write: { type: 'string' } },
})
const unknown = positionals.find((name) => !suites[name])
if (unknown) {
  process.stderr.write(`no suite is called ${unknown}; there are ${Object.keys(suites).join(', ')}\n`)
  process.exit(2)
}
let bad = 0
for (const name of positionals.length > 0 ? positionals : Object.keys(suites)) bad += await runOne(name)
process.exit(bad > 0 ? 1 : 0)

async function runOne(name) {
  const [module, folder, chosen] = suites[name]
  const site = await ask(`python3 -c "import os, ${module}; print(os.path.dirname(os.path.dirname(${module}.__file__)))"`)
  if (!site || (await ask(`test -d ${site}/${module}/${folder}`)) === undefined) {
    process.stdout.write(`${name}: not there; NOVA_TS_CLIENT_PREFIX may say where it is\n`)
    return 1
  }
  const version = await ask(
    `python3 -c "import importlib.metadata as m; print(m.version('python-${name}' if 'client' in '${name}' else '${name}'))"`,
  )
  const { cloud } = await startTestCloud()
  const workspace = await openWorkspace()
  try {
    await workspace.write('clouds.yaml', readFileSync(join(cloud.state, 'clouds.yaml'), 'utf8'))
    const env = {
      HOME: workspace.folder,
      OS_CLIENT_CONFIG_FILE: `${workspace.folder}/clouds.yaml`,
      OS_NOVACLIENT_EXEC_DIR: '/usr/bin',
      TOX_ENV_DIR: '/usr',
    }
    const stestr = `stestr --test-path ${site}/${module}/${folder} --top-dir ${site}`
    const results = await runSuite(
      workspace,
      `${stestr} run --subunit --concurrency ${Number(values.concurrency)} '${values.regex ?? chosen}'`,
      env,
    )
    report(`${name} ${version}`, results)
    if (values.write) {
      mkdirSync(values.write, { recursive: true })
      writeResults(join(values.write, `${name}.tsv`), results)
    }
    return failed(results)
  } finally {
    await cloud.down()
    if (process.env.KEEP) process.stdout.write(`kept: ${cloud.folder}, ${workspace.folder}\n`)
    else {
      await workspace.remove()
      rmSync(cloud.folder, { recursive: true, force: true })
    }
  }
}
