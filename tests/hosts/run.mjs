#!/usr/bin/env node
// Puts every host to the cases: `npm run hosts [-- HOST…]`. Installs what is missing from Debian and npm, starts everything on this machine's
// loopback, stops what it started. `--write` writes the table into docs/hosts.md; `--no-install` skips what is not there.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const flags = process.argv.slice(2).filter((word) => word.startsWith('--'))
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const packages = join(tmpdir(), 'nova-ts-hosts-packages')
const say = (text) => process.stdout.write(`${text}\n`)

const { cases, runCase } = await import('./cases.ts')
const { installPackages } = await import('../support/debian.mjs')
const { freePorts } = await import('../support/free-ports.ts')
const { proxies } = await import('./servers/proxies.ts')
const { runtimes } = await import('./servers/runtimes.ts')
const { wsgiServers } = await import('./servers/wsgi.ts')
const { outcomeTable } = await import('./servers/table.ts')
const { stopAll } = await import('./servers/processes.ts')
const { checkSystemd } = await import('./servers/systemd.ts')
const { checkReal } = await import('./servers/real.ts')
const { uwsgiFront } = await import('./uwsgi-front.ts')
const { checkFaults } = await import('./servers/faults.ts')
const { loadHead, loadRow, runScenario, scenarios } = await import('./load.ts')
const { checkPackage } = await import('./servers/package.ts')
const { checkConfined } = await import('./servers/confined.ts')
const { ownTargets, startOwn } = await import('./servers/own-hosts.ts')

const debian = [
  'apache2-bin',
  'nginx-light',
  'haproxy',
  'gunicorn',
  'uwsgi-core',
  'uwsgi-plugin-python3',
  'libapache2-mod-wsgi-py3',
  'systemd',
]
const npm = ['express@5', 'fastify@5', 'bun@1', 'deno@2']

function install() {
  const hosts = [...proxies, ...wsgiServers]
  const systemd = existsSync('/usr/bin/systemd-socket-activate')
  if ((!systemd || hosts.some(({ needs = [] }) => !needs.every(existsSync))) && process.getuid() === 0) installPackages(...debian)
  if (!existsSync(join(packages, 'node_modules', 'fastify'))) {
    mkdirSync(packages, { recursive: true })
    writeFileSync(join(packages, 'package.json'), '{"private":true}')
    run('npm', ['install', '--prefix', packages, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...npm])
  }
}

function run(program, args) {
  say(`${program} ${args.join(' ')}`)
  try {
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  } catch (error) {
    say(`${program} failed: ${error.message}`)
  }
}

const folder = mkdtempSync(join(tmpdir(), 'nova-ts-hosts-'))
chmodSync(folder, 0o755)
const outcomes = []
const skippedHosts = []
const chosen = (name) => wanted.length === 0 || wanted.some((word) => name.toLowerCase().includes(word.toLowerCase()))

/** All cases on one host. */
async function runCases(target) {
  const began = performance.now()
  const results = []
  for (let at = 0; at < cases.length; at += 4)
    results.push(...(await Promise.all(cases.slice(at, at + 4).map((one) => runCase(one, target)))))
  outcomes.push(...results)
  const count = (result) => results.filter((one) => one.result === result).length
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  say(`${target.name}: ${count('passed')} hold, ${count('excepted')} cannot, ${count('failed')} do not (${seconds} s)`)
  for (const { case: name, result, why } of results) if (result === 'failed') say(`  ${name}: ${why.replaceAll('\n', ' ').slice(0, 300)}`)
}

let broken = 0
/** Of loads, faults and the real applications. */
const checks = []
let skippedChecks = 0
try {
  if (!flags.includes('--no-install')) install()
  const own = await startOwn(folder, await freePorts(2))
  for (const target of ownTargets(own)) if (chosen(target.name)) await runCases(target)
  const front = await uwsgiFront(own.uwsgi)
  if (chosen('own uwsgi protocol')) await runCases({ name: 'own uwsgi protocol', port: front.port })
  front.close()
  for (const host of [...proxies, ...runtimes, ...wsgiServers]) {
    if (!chosen(host.name)) continue
    if (!(host.needs ?? []).every(existsSync)) {
      skippedHosts.push(host.name)
      say(`${host.name}: not there`)
      continue
    }
    const place = join(folder, host.name.replace(/\W+/g, '-'))
    mkdirSync(place)
    chmodSync(place, 0o777)
    try {
      const { target, running } = await host.start({
        folder: place,
        port: await freePorts(1),
        own,
        packages: join(packages, 'node_modules'),
      })
      await runCases({ ...target, name: host.name })
      for (const one of running) await one.stop()
    } catch (error) {
      broken++
      say(`${host.name}: ${error.message}`)
    }
  }
  await own.stop()
  if (chosen('load')) {
    say(`\n${loadHead}`)
    for (const scenario of scenarios) {
      const result = await runScenario(scenario, 8, 4)
      say(`${loadRow(scenario.name, result)} ${result.reasons.join('; ')}`)
      checks.push(result.failed === 0)
    }
  }
  if (chosen('faults')) {
    for (const { name, problem, skipped } of await checkFaults(folder)) {
      if (skipped) skippedChecks++
      else checks.push(problem === null)
      say(`${name}: ${skipped ? 'not there' : (problem ?? 'as it should be')}`)
    }
  }
  if (chosen('confined')) {
    const place = join(folder, 'confined')
    mkdirSync(place)
    chmodSync(place, 0o777)
    const { name, problem, skipped } = await checkConfined(place, await freePorts(30))
    if (skipped) skippedChecks++
    else checks.push(problem === null)
    say(`${name}: ${skipped ? 'not there' : (problem ?? 'as it should be')}`)
  }
  if (chosen('package')) {
    for (const { name, problem } of await checkPackage(folder, await freePorts(30))) {
      checks.push(problem === null)
      say(`${name}: ${problem ?? 'as it should be'}`)
    }
  }
  if (chosen('systemd')) {
    for (const { name, problem, skipped } of await checkSystemd(folder, await freePorts(2))) {
      if (skipped) skippedChecks++
      else checks.push(problem === null)
      say(`${name}: ${skipped ? 'not there' : (problem ?? 'as it should be')}`)
    }
  }
  if (chosen('real')) {
    for (const { name, problem } of await checkReal(folder, await freePorts(30))) {
      checks.push(problem === null)
      say(`${name}: ${problem ?? 'as it should be'}`)
    }
  }
} finally {
  stopAll()
  if (flags.includes('--keep')) say(`kept ${folder}`)
  else rmSync(folder, { recursive: true, force: true })
}

if (flags.includes('--write')) {
  const file = join(root, 'docs', 'hosts.md')
  const mark = '<!-- made by npm run hosts -- --write -->\n'
  const [before] = readFileSync(file, 'utf8').split(mark)
  writeFileSync(file, `${before}${mark}\n${outcomeTable(outcomes, skippedHosts)}`)
  say('docs/hosts.md has been written')
}
const total = (result) => outcomes.filter((one) => one.result === result).length
const passed = total('passed') + checks.filter(Boolean).length
const failed = total('failed') + broken + checks.filter((good) => !good).length
say(`\n${passed} passed, ${failed} failed, ${total('excepted') + skippedHosts.length * cases.length + skippedChecks} skipped`)
process.exit(failed > 0 ? 1 : 0)
