#!/usr/bin/env node
// Faults, on demand: one after the other the services around ours are stopped and started again. Meanwhile every request is answered in bounded time, with a clear error where
// it needs what is away and as always where it does not; afterwards everything works again by itself. In the environment: see services.mjs, and
//   SERVICE    a command that stops and starts one: `$SERVICE stop rabbitmq`, `$SERVICE start rabbitmq`
//   NAMES      what that command calls them, if not rabbitmq=rabbitmq,database=mariadb,keystone=keystone,neutron=neutron,glance=glance,placement=placement,memcached=memcached
// Arguments: which of them; all when there are none.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { authenticate, clientEnvironment, computeAt, needed, startServices } from './services.mjs'

const env = clientEnvironment()
const names = Object.fromEntries(
  (
    process.env.NAMES ??
    'rabbitmq=rabbitmq,database=mariadb,keystone=keystone,neutron=neutron,glance=glance,placement=placement,memcached=memcached'
  )
    .split(',')
    .map((pair) => pair.split('=')),
)
/** The longest that an answer may take, whatever is away. */
const boundMs = 35_000
const counts = { passed: 0, failed: 0 }
const ok = [200]
const accepted = [202]
const errors = [500, 502, 503, 504]
/** What is asked while a service is away: its name here, and the statuses that are right. */
const expectations = {
  rabbitmq: { list: ok, show: ok, create: [503], stop: [503], console: [503, 504], newToken: ok },
  database: { list: errors, show: errors, create: errors, stop: errors, console: errors },
  // a token that was seen lately needs no Keystone
  keystone: { list: ok, newToken: [503] },
  neutron: { list: ok, show: [200, ...errors], create: [400, ...errors] },
  glance: { list: ok, show: ok, create: [400, ...errors] },
  placement: { list: ok, show: ok, stop: accepted },
  // Keystone itself may fail without the memcached that it shares with us; what we know of a token counts on
  memcached: { list: ok, show: [200, ...errors], newToken: [200, 503] },
}
const faults = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(expectations)

const token = await authenticate(env)
const endpoint = (type) =>
  token.catalog.find((service) => service.type === type).endpoints.find(({ interface: side }) => side === 'public').url
const images = (await json(`${endpoint('image')}/v2/images?name=cirros`)).images
const networks = (await json(`${endpoint('network')}/v2.0/networks?shared=true`)).networks
const running = await startServices()
const made = []
process.stdout.write(`logs: ${running.folder}\n`)
try {
  const flavors = (await ask('GET', '/flavors')).body.flavors
  const server = {
    name: 'fault',
    imageRef: images[0].id,
    flavorRef: flavors.find(({ name }) => name === 'm1.nano').id,
    networks: [{ uuid: networks[0].id }],
  }
  const id = await built(server)
  const questions = {
    list: () => ask('GET', '/servers'),
    show: () => ask('GET', `/servers/${id}`),
    create: () => ask('POST', '/servers', { server }),
    stop: () => ask('POST', `/servers/${id}/action`, { 'os-stop': null }),
    console: () => ask('POST', `/servers/${id}/action`, { 'os-getConsoleOutput': {} }),
    newToken: async () => ask('GET', '/servers?limit=1', undefined, fresh.pop()),
  }
  const fresh = []
  const before = memory()
  for (const fault of faults) await trouble(fault, questions, fresh, server, id)
  process.stdout.write(`memory of the compute API: ${before} MB before, ${memory()} MB after\n`)
  check('no memory is lost', memory() < before * 2 + 100)
} finally {
  for (const id of made) await ask('DELETE', `/servers/${id}`).catch(() => {})
  await running.stop()
}
process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, 0 skipped\n`)
process.exit(counts.failed > 0 ? 1 : 0)

async function trouble(fault, questions, fresh, server, id) {
  fresh.push((await authenticate(env)).id)
  await service('stop', names[fault])
  for (const [name, statuses] of Object.entries(expectations[fault])) {
    const { status, body, ms } = await questions[name]()
    const told = `${fault} is away: ${name} → ${status} after ${ms} ms ${JSON.stringify(Object.values(body ?? {})[0]?.message ?? '').slice(0, 150)}`
    process.stdout.write(`  ${told}\n`)
    check(told, statuses.includes(status) && ms < boundMs)
    if (status === 202 && name === 'create') made.push(body.server.id)
    if (status === 202 && name === 'stop')
      await until(id, 'SHUTOFF')
        .then(() => ask('POST', `/servers/${id}/action`, { 'os-start': null }))
        .then(() => until(id, 'ACTIVE'))
  }
  await service('start', names[fault])
  const start = Date.now()
  const again = await built(server, 120_000).catch((error) => error)
  check(`${fault} is back: a server can be built (${again})`, typeof again === 'string')
  check(`${fault} is back: the old server is as it was`, await until(id, 'ACTIVE', 60_000))
  const stopped = await until202(() => ask('POST', `/servers/${id}/action`, { 'os-stop': null }))
  check(`${fault} is back: the server stops and starts`, stopped && (await until(id, 'SHUTOFF', 60_000)))
  await ask('POST', `/servers/${id}/action`, { 'os-start': null })
  await until(id, 'ACTIVE', 60_000)
  process.stdout.write(`  ${fault} is back: all works after ${Date.now() - start} ms\n`)
}

async function built(server, patienceMs = 90_000) {
  let last
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await pause(1_000)) {
    const { status, body } = await ask('POST', '/servers', { server })
    last = `${status} ${JSON.stringify(body)}`
    if (status !== 202) continue
    made.push(body.server.id)
    if (await until(body.server.id, 'ACTIVE', 60_000)) return body.server.id
  }
  throw new Error(`no server was built: ${last}`)
}

async function until202(question) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(1_000)) if ((await question()).status === 202) return true
  return false
}

/** False when it is in error, or too slow. */
async function until(id, state, patienceMs = 60_000) {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await pause(500)) {
    const { status, body } = await ask('GET', `/servers/${id}`)
    if (status !== 200) continue
    if (body.server.status === state && body.server['OS-EXT-STS:task_state'] === null) return true
    if (body.server.status === 'ERROR') return false
  }
  return false
}

async function ask(method, path, body, tokenId = token.id) {
  const start = performance.now()
  const answer = await fetch(`${computeAt}/v2.1${path}`, {
    method,
    headers: { 'x-auth-token': tokenId, 'content-type': 'application/json', 'openstack-api-version': 'compute 2.96' },
    signal: AbortSignal.timeout(60_000),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : null, ms: Math.round(performance.now() - start) }
}

async function json(url) {
  return (await fetch(url, { headers: { 'x-auth-token': token.id } })).json()
}

function service(verb, name) {
  process.stdout.write(`${verb} ${name}\n`)
  const child = spawn('sh', ['-c', `${needed('SERVICE')} ${verb} ${name}`], { stdio: 'ignore' })
  return new Promise((resolve) => child.on('close', resolve))
}

function memory() {
  const { child } = running.services.find(({ name }) => name === 'compute')
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024)
}

function check(what, good) {
  counts[good ? 'passed' : 'failed']++
  if (!good) process.stdout.write(`✗ ${what}\n`)
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
