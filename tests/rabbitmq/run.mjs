#!/usr/bin/env node
// `npm run rabbitmq`: installs Debian's rabbitmq-server when it is missing, starts a broker of its own on 127.0.0.1, runs the tests beside this file
// against it, and stops it.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const { installPackages } = await import('../support/debian.mjs')
const { isInstalled, logOf, rabbitBroker, user } = await import('../support/rabbitmq.ts')
const { certificates } = await import('./certificates.ts')

if (!isInstalled() && !(installPackages('rabbitmq-server') && isInstalled())) {
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
