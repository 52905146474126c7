#!/usr/bin/env node
// Tempest, on demand, against an embedded cloud that it starts: node tests/clients/tempest.mjs [flags] [regular expression]
//   --concurrency N    workers (2)
//   --list FILE        run the tests that the file names, one a line
//   --write FILE       keep status, test and reason of each, parted by tabs
//   --against FILE     say which tests another run, written so, passed and this one did not
// Debian's package is `tempest`. Where it is: see NOVA_TS_CLIENT_PREFIX in inside.ts.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const { inTestCloud } = await import('./cloud.ts')
const { ask } = await import('./inside.ts')
const { compare, failed, readResults, report, runSuite, writeResults } = await import('./suite.ts')
const { tempestConf } = await import('./tempest-conf.ts')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    concurrency: { type: 'string', default: '2' },
    list: { type: 'string' },
    write: { type: 'string' },
    against: { type: 'string' },
  },
})
const version = await ask('tempest --version 2>&1')
if (version === undefined) {
  process.stderr.write('there is no tempest; NOVA_TS_CLIENT_PREFIX may say where it is\n')
  process.exit(2)
}
const results = await inTestCloud(async (test, workspace) => {
  const tests = await ask('python3 -c "import tempest, os; print(os.path.dirname(tempest.__file__))"')
  await workspace.write('etc/tempest.conf', tempestConf(test, workspace.folder))
  await workspace.write('.stestr.conf', `[DEFAULT]\ntest_path=${tests}/test_discover\ntop_dir=${tests}/..\ngroup_regex=([^\\.]*\\.)*\n`)
  if (values.list) await workspace.write('list', readFileSync(values.list, 'utf8'))
  const which = values.list ? '--load-list list' : `--regex '${positionals[0] ?? '^tempest\\.api\\.compute\\.'}'`
  const env = { TEMPEST_CONFIG: `${workspace.folder}/etc/tempest.conf`, HOME: workspace.folder }
  return runSuite(workspace, `tempest run --subunit --concurrency ${Number(values.concurrency)} ${which}`, env)
})
report(version, results)
if (values.write) writeResults(values.write, results)
if (values.against) compare(results, readResults(values.against))
process.exit(failed(results) > 0 ? 1 : 0)
