#!/usr/bin/env node
// The functional tests that client libraries bring along, on demand, against an embedded cloud for each: node tests/clients/suites.mjs [suite] [flags]
//   --regex WORD       only the tests whose names match
//   --concurrency N    workers (2 for openstackclient; 1 for the others, whose tests stumble over what others of them make and remove)
//   --write FOLDER     keep status, test and reason of each as it ends, parted by tabs, in FOLDER/SUITE.tsv
//   --rest             leave out those that passed or were skipped according to that file, and count them: goes on with a run that was stopped
// Debian's packages carry them. Where they are: see NOVA_TS_CLIENT_PREFIX in inside.ts.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { inTestCloud } = await import('./cloud.ts')
const { ask } = await import('./inside.ts')
const { underIdentity } = await import('./under-identity.ts')
const { addResult, failed, readResults, report, runSuite, writeResults } = await import('./suite.ts')

const cloudLayer =
  'aggregate|compute|devstack|endpoints|flavor|floating_ip|inventory|keypairs|limits|quotas|security_groups|server_group|volume'
const common = 'availability_zone|extension|quota|versions'

/** The module; which of its tests concern what the compute API does, by folder; which wait for minutes for a guest that is not there. */
const suites = {
  novaclient: { module: 'novaclient', workers: 1, tests: { functional: '.' }, guests: 'test_trigger_crash_dump' },
  openstackclient: {
    module: 'openstackclient',
    tests: { 'functional/compute': '.', 'functional/common': `test_(${common})\\b` },
  },
  openstacksdk: { module: 'openstack', workers: 1, tests: { 'functional/compute': '.', 'functional/cloud': `test_(${cloudLayer})\\b` } },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { regex: { type: 'string' }, concurrency: { type: 'string' }, write: { type: 'string' }, rest: { type: 'boolean' } },
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

/** As in DevStack, where the API's own database is cell0's: novaclient's tests count on no host being known there. */
async function withDatabaseOfCell0(cloud) {
  const database = join(cloud.state, 'databases', 'nova_cell0.sqlite')
  writeFileSync(join(cloud.state, 'etc', 'local.conf'), `[database]\nconnection = sqlite:///${database}\n`)
  await cloud.down()
  await cloud.up()
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
  const file = values.write && join(values.write, `${name}.tsv`)
  if (file) mkdirSync(values.write, { recursive: true })
  const earlier = file && values.rest && existsSync(file) ? readResults(file).filter((result) => failed([result]) === 0) : []
  if (file) writeResults(file, earlier)
  const results = await inTestCloud(async ({ cloud, variables }, workspace) => {
    await withDatabaseOfCell0(cloud)
    const front = await underIdentity(variables.OS_AUTH_URL)
    const clouds = readFileSync(join(cloud.state, 'clouds.yaml'), 'utf8').replaceAll(variables.OS_AUTH_URL, front.url)
    await workspace.write('clouds.yaml', withNetworks(clouds))
    const env = {
      HOME: workspace.folder,
      OS_CLIENT_CONFIG_FILE: `${workspace.folder}/clouds.yaml`,
      OS_NOVACLIENT_EXEC_DIR: '/usr/bin',
      TOX_ENV_DIR: '/usr',
      OS_TEST_TIMEOUT: '600',
      OPENSTACKSDK_IMAGE: 'cirros',
    }
    await workspace.write('earlier', earlier.map(({ test }) => `^${RegExp.escape(test)}($|\\[)\n`).join(''))
    const left = guests ? `--exclude-regex '${guests}'` : ''
    const runs = Object.entries(tests).map(
      ([folder, chosen]) =>
        `stestr --test-path ${site}/${module}/tests/${folder} --top-dir ${site} run --subunit --concurrency ${Number(values.concurrency ?? workers)} --exclude-list ${workspace.folder}/earlier ${left} '${values.regex ?? chosen}'`,
    )
    return runSuite(workspace, runs.join('; '), env, file ? (result) => addResult(file, result) : undefined).finally(front.close)
  })
  const all = [...earlier, ...results]
  report(`${name} ${version}`, all)
  if (file) writeResults(file, all)
  return failed(all)
}
