#!/usr/bin/env node
// `npm run databases`: installs Debian's mariadb-server, postgresql and memcached when they are missing, starts one of each database of its own
// on 127.0.0.1, runs the tests beside this file, and what the stores and the API are tested with on SQLite; then stops both. Arguments name
// test files: only those run.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const { installPackages } = await import('../support/debian.mjs')
const { installed, startMariadb, startPostgresql } = await import('./instances.ts')
const { freeSets } = await import('../support/server-databases.ts')

const missing = () => [
  ...(installed.mariadb() ? [] : ['mariadb-server']),
  ...(installed.postgresql() ? [] : ['postgresql']),
  ...(installed.memcached() ? [] : ['memcached']),
]
const packages = missing()
if (packages.length > 0 && !(installPackages(...packages) && missing().length === 0)) {
  process.stdout.write(`${packages.join(' and ')} could not be installed\n0 passed, 1 failed, 0 skipped\n`)
  process.exit(1)
}

const total = { passed: 0, failed: 0, skipped: 0 }
const servers = []
try {
  const start = performance.now()
  const started = await Promise.allSettled([startMariadb(), startPostgresql()])
  for (const { value } of started) if (value) servers.push(value)
  const failure = started.find(({ reason }) => reason)
  if (failure) throw failure.reason
  const [mariadb, postgresql] = servers
  process.stdout.write(`MariaDB on port ${mariadb.port}, PostgreSQL on ${postgresql.port} after ${seconds(start)}\n`)
  const named = process.argv.slice(2)
  await vitest('what servers do', ['--config', join(here, 'vitest.config.ts'), ...named], {
    NOVA_TEST_MARIADB: mariadb.url,
    NOVA_TEST_POSTGRESQL: postgresql.url,
    NOVA_TEST_CERTIFICATES: JSON.stringify(mariadb.certificates),
    NOVA_TEST_CERTIFICATES_POSTGRESQL: JSON.stringify(postgresql.certificates),
  })
  if (named.length === 0)
    for (const { url } of servers) await vitest(`stores and API on ${url.split(':')[0]}`, overDatabases(), { NOVA_TEST_DATABASES: url })
} catch (error) {
  process.stdout.write(`${error.stack}\n`)
  total.failed++
} finally {
  for (const server of servers) {
    rmSync(freeSets(server.url), { recursive: true, force: true })
    await server.remove()
  }
}
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exit(total.failed > 0 ? 1 : 0)

/** Tests that get their databases from tests/support/databases.ts, themselves or through what stands on it, and ask them more than others did. */
function overDatabases() {
  const files = ['src', 'tests/upstream'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)),
  )
  const wanted = /\b(testStores|testApi|testMetadata|farm)\(/
  return files.filter((path) => path.endsWith('.test.ts') && !sameEverywhere(path) && wanted.test(readFileSync(join(root, path), 'utf8')))
}

/** States, policies and refusals of many operations over the same few statements, and waits for databases that are away: a minute for each server. */
function sameEverywhere(path) {
  return (
    (path.startsWith('tests/') && !path.endsWith('/page-costs.test.ts')) ||
    /\/(actions\/(states|messages|refusals)|down-cells)\.test/.test(path)
  )
}

async function vitest(title, argv, env) {
  const start = performance.now()
  process.stdout.write(`\n--- ${title}\n`)
  const child = spawn(
    join(root, 'node_modules', '.bin', 'vitest'),
    ['run', '--reporter=dot', '--testTimeout=60000', '--hookTimeout=180000', ...argv],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NO_COLOR: '1', ...env },
    },
  )
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
    process.stdout.write(chunk)
  })
  const code = await new Promise((done) => child.on('close', done))
  const count = (word) => Number(new RegExp(`^ +Tests +.*?(\\d+) ${word}`, 'm').exec(out)?.[1] ?? 0)
  const failed = count('failed')
  total.passed += count('passed')
  total.failed += code === 0 ? failed : Math.max(1, failed)
  total.skipped += count('skipped')
  process.stdout.write(`${title}: ${seconds(start)}\n`)
}

function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`
}
