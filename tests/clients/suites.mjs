#!/usr/bin/env node
// The functional tests that client libraries bring along, on demand, against an embedded cloud for each: node tests/clients/suites.mjs [suite] [flags]
//   --regex WORD       only the tests whose names match
//   --concurrency N    workers (2; 1 for openstacksdk, whose tests read flavors that others of them remove)
//   --write FOLDER     keep status, test and reason of each, parted by tabs, in FOLDER/SUITE.tsv
// Debian's packages carry them. Where they are: see NOVA_TS_CLIENT_PREFIX in inside.ts.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { inTestCloud } = await import('./cloud.ts')
const { ask } = await import('./inside.ts')
const { failed, report, runSuite, writeResults } = await import('./suite.ts')

const cloudLayer =
  'aggregate|compute|devstack|endpoints|flavor|floating_ip|inventory|keypairs|limits|quotas|security_groups|server_group|volume'
const common = 'availability_zone|extension|quota|versions'

/** The module; which of its tests concern what the compute API does, by folder; which wait for minutes for a guest that is not there. */
const suites = {
  novaclient: { module: 'novaclient', tests: { functional: '.' }, guests: 'test_trigger_crash_dump' },
  openstackclient: {
    module: 'openstackclient',
    tests: { 'functional/compute': '.', 'functional/common': `test_(${common})\\b` },
  },
  openstacksdk: { module: 'openstack', workers: 1, tests: { 'functional/compute': '.', 'functional/cloud': `test_(${cloudLayer})\\b` } },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { regex: { type: 'string' }, concurrency: { type: 'string' }, write: { type: 'string' } },
})
const unknown = positionals.find((name) => !suites[name])
if (unknown) {
  process.stderr.write(`no suite is called ${unknown}; there are ${Object.keys(suites).join(', ')}\n`)
  process.exit(2)
}
let bad = 0
for (const name of positionals.length > 0 ? positionals : Object.keys(suites)) bad += await runOne(name)
process.exit(bad > 0 ? 1 : 0)

/** openstacksdk's tests name no network for their servers, which have more than one to choose from. */
function withNetworks(text) {
  const networks = [
    '- {name: shared, default_interface: true, nat_destination: true}',
    '- {name: public, routes_externally: true, nat_source: true}',
  ]
  return text.replace(/^ {4}region_name: .*$/gm, (line) => [line, '    networks:', ...networks.map((one) => `      ${one}`)].join('\n'))
}

async function runOne(name) {
  const { module, tests, guests, workers = 2 } = suites[name]
  const site = await ask(`python3 -c "import os, ${module}; print(os.path.dirname(os.path.dirname(${module}.__file__)))"`)
  if (!site || (await ask(`test -d ${site}/${module}/tests/functional`)) === undefined) {
    process.stdout.write(`${name}: not there; NOVA_TS_CLIENT_PREFIX may say where it is\n`)
    return 1
  }
  const version = await ask(
    `python3 -c "import importlib.metadata as m; print(m.version('python-${name}' if 'client' in '${name}' else '${name}'))"`,
  )
  const results = await inTestCloud(async ({ cloud }, workspace) => {
    await workspace.write('clouds.yaml', withNetworks(readFileSync(join(cloud.state, 'clouds.yaml'), 'utf8')))
    const env = {
      HOME: workspace.folder,
      OS_CLIENT_CONFIG_FILE: `${workspace.folder}/clouds.yaml`,
      OS_NOVACLIENT_EXEC_DIR: '/usr/bin',
      TOX_ENV_DIR: '/usr',
      OS_TEST_TIMEOUT: '600',
      OPENSTACKSDK_IMAGE: 'cirros',
    }
    const left = guests ? `--exclude-regex '${guests}'` : ''
    const runs = Object.entries(tests).map(
      ([folder, chosen]) =>
        `stestr --test-path ${site}/${module}/tests/${folder} --top-dir ${site} run --subunit --concurrency ${Number(values.concurrency ?? workers)} ${left} '${values.regex ?? chosen}'`,
    )
    return runSuite(workspace, runs.join('; '), env)
  })
  report(`${name} ${version}`, results)
  if (values.write) {
    mkdirSync(values.write, { recursive: true })
    writeResults(join(values.write, `${name}.tsv`), results)
  }
  return failed(results)
}
