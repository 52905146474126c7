#!/usr/bin/env node
// `npm run rabbitmq`: installs Debian's rabbitmq-server when it is missing, starts a broker of its own on 127.0.0.1, runs the tests beside this file
// against it, and stops it.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const { isInstalled, logOf, rabbitBroker, user } = await import('../support/rabbitmq.ts')
const { certificates } = await import('./certificates.ts')

if (!isInstalled() && !install()) {
  process.stdout.write('rabbitmq-server is not here and could not be installed\n0 passed, 1 failed, 0 skipped\n')
  process.exit(1)
}

const certs = certificates()
const broker = await rabbitBroker({ tls: certs })
let counts = { passed: 0, failed: 1, skipped: 0 }
try {
  const start = performance.now()
  await broker.start()
  process.stdout.write(`RabbitMQ on port ${broker.port} after ${((performance.now() - start) / 1000).toFixed(1)} s\n`)
  counts = await test()
} catch (error) {
  process.stdout.write(`${error.stack}\n${logOf(broker.folder).slice(-4000)}\n`)
} finally {
  await broker.remove()
  rmSync(certs.folder, { recursive: true, force: true })
}
process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
process.exit(counts.failed > 0 ? 1 : 0)

/** Packages start no service: a policy that forbids it stands in the way while they are installed. */
function install() {
  const policy = '/usr/sbin/policy-rc.d'
  const ours = !existsSync(policy)
  const apt = (...argv) =>
    spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...argv], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0
  try {
    if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    const packages = ['install', '-y', '--no-install-recommends', 'rabbitmq-server']
    return (apt(...packages) || (apt('update') && apt(...packages))) && isInstalled()
  } catch (error) {
    process.stdout.write(`${error.message}\n`)
    return false
  } finally {
    if (ours) rmSync(policy, { force: true })
  }
}

function test() {
  const named = process.argv.slice(2)
  const root = join(here, '..', '..')
  const child = spawn(join(root, 'node_modules', '.bin', 'vitest'), ['run', '--config', join(here, 'vitest.config.ts'), ...named], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      NO_COLOR: '1',
      RABBITMQ_TEST_URL: `rabbit://${user}@127.0.0.1:${broker.port}/`,
      RABBITMQ_TEST_TLS: JSON.stringify({ ...certs, port: broker.tlsPort, user }),
    },
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
    process.stdout.write(chunk)
  })
  const count = (word) => Number(new RegExp(`^ +Tests +.*?(\\d+) ${word}`, 'm').exec(out)?.[1] ?? 0)
  return new Promise((done) =>
    child.on('close', (code) => {
      const failed = count('failed')
      done({ passed: count('passed'), failed: code === 0 ? failed : Math.max(1, failed), skipped: count('skipped') })
    }),
  )
}
