#!/usr/bin/env node
// Faults, on demand: one after the other the services around ours are stopped and started again, answer late, or say nothing, and the database of a cell cannot be reached.
// Meanwhile every request is answered in bounded time, with a clear error where it needs what is away and as always where it does not; afterwards everything works again
// by itself, and no memory is lost. In the environment: see services.mjs, and
//   SERVICE    a command that stops and starts one and tells its process id: `$SERVICE stop rabbitmq`, `$SERVICE start rabbitmq`, `$SERVICE pid keystone`
//   NAMES      what that command calls them, if not rabbitmq=rabbitmq,database=mariadb,keystone=keystone,neutron=neutron,glance=glance,placement=placement,memcached=memcached
// Arguments: which of the faults; all when there are none. While a cell's are tried, the mapping of the cell of [database] connection names host and port as a template.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connectionUrl, openDatabase } from './databases.mjs'
import { relay } from './relay.mjs'
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
/** How late a late service answers each question, and how long ours waits for a silent one. */
const lateMs = 2_000
const patience = 6
const counts = { passed: 0, failed: 0 }
const ok = [200]
const accepted = [202]
const errors = [500, 502, 503, 504]
const late = { list: ok, show: ok, crowd: ok, create: accepted, stop: accepted }
const cell = {
  list: [200, 'UNKNOWN'],
  listOf268: [200, 'absent'],
  show: [200, 'UNKNOWN'],
  showOf268: errors,
  stop: errors,
  console: errors,
  services: ok,
  create: accepted,
}
/** What is asked in each trouble: its name here, and the statuses that are right; for a server in a cell that is away also how it shows. */
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
  'keystone late': { newToken: ok, list: ok },
  'neutron late': late,
  'glance late': late,
  'placement late': late,
  'keystone silent': { list: ok, newToken: [503] },
  'neutron silent': { list: ok, show: [200, ...errors], create: [400, ...errors] },
  'glance silent': { list: ok, show: ok, create: [400, ...errors] },
  'placement silent': { list: ok, show: ok, stop: accepted },
  'cell away': cell,
  'cell silent': cell,
  'all away, often': {},
}
const faults = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(expectations)

const token = await authenticate(env)
const endpoint = (type) =>
  token.catalog.find((service) => service.type === type).endpoints.find(({ interface: side }) => side === 'public').url
const images = (await json(`${endpoint('image')}/v2/images?name=cirros`)).images
const networks = (await json(`${endpoint('network')}/v2.0/networks?shared=true`)).networks
const relays = {
  neutron: await relay(endpoint('network')),
  glance: await relay(endpoint('image')),
  placement: await relay(endpoint('placement')),
  cell: await relay(connectionUrl('database')),
}
const mapping = await templated()
const running = await startServices({
  environment: {
    OS_NEUTRON__ENDPOINT_OVERRIDE: relays.neutron.url,
    OS_GLANCE__ENDPOINT_OVERRIDE: relays.glance.url,
    OS_PLACEMENT__ENDPOINT_OVERRIDE: relays.placement.url,
    OS_DATABASE__CONNECTION: relays.cell.url,
    OS_NEUTRON__TIMEOUT: String(patience),
    OS_GLANCE__TIMEOUT: String(patience),
    OS_PLACEMENT__TIMEOUT: String(patience),
    OS_KEYSTONE_AUTHTOKEN__HTTP_CONNECT_TIMEOUT: String(patience),
  },
})
const made = []
let id
process.stdout.write(`logs: ${running.folder}\n`)
try {
  const flavors = (await ask('GET', '/flavors')).body.flavors
  const server = {
    name: 'fault',
    imageRef: images[0].id,
    flavorRef: flavors.find(({ name }) => name === 'm1.nano').id,
    networks: [{ uuid: networks[0].id }],
  }
  id = await built(server)
  made.length = 0
  const questions = {
    list: (version) => ask('GET', '/servers', undefined, { version }),
    listOf268: () => questions.list('2.68'),
    show: (version) => ask('GET', `/servers/${id}`, undefined, { version }),
    showOf268: () => questions.show('2.68'),
    services: () => ask('GET', '/os-services'),
    create: () => ask('POST', '/servers', { server }),
    stop: () => ask('POST', `/servers/${id}/action`, { 'os-stop': null }),
    console: () => ask('POST', `/servers/${id}/action`, { 'os-getConsoleOutput': {} }),
    newToken: async () => ask('GET', '/servers?limit=1', undefined, { tokenId: fresh.pop() }),
    /** Many who ask at once: those whose answer is the last to come. */
    crowd: async () =>
      (await Promise.all(Array.from({ length: 20 }, () => questions.show()))).toSorted((a, b) => b.status - a.status || b.ms - a.ms)[0],
  }
  const fresh = []
  const before = memory()
  for (const fault of faults) {
    if (fault === 'all away, often') await wear(questions)
    else await trouble(fault, questions, fresh, server, id)
  }
  process.stdout.write(`memory of the compute API: ${before} MB before, ${memory()} MB after\n`)
  check('no memory is lost', memory() < before * 2 + 100)
} finally {
  for (const each of Object.values(relays)) await each.be('open').catch(() => {})
  for (const each of id ? [id, ...made] : made) await ask('DELETE', `/servers/${each}`).catch(() => {})
  await running.stop()
  for (const each of Object.values(relays)) await each.close()
  await mapping.restore()
}
process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, 0 skipped\n`)
process.exit(counts.failed > 0 ? 1 : 0)

/** Host and port of the mapping of the cell of [database] connection become a template, so that each service goes its own way to it. */
async function templated() {
  const api = await openDatabase('api_database')
  const url = connectionUrl('database')
  const template = '{hostname}:{port}'
  // a run that was killed leaves its template
  const plain = (connection) => connection.replace(template, url.host)
  const rows = await api.rows('select id, database_connection from cell_mappings')
  const row = rows.find(({ database_connection: each }) => plain(each).split('?')[0].endsWith(`@${url.host}${url.pathname}`))
  if (!row) throw new Error(`no cell mapping leads to ${url.host}${url.pathname}`)
  const before = plain(row.database_connection)
  await set(before.replace(url.host, template))
  async function set(value) {
    await api.rows('update cell_mappings set database_connection = ? where id = ?', value, row.id)
  }
  return {
    async restore() {
      await set(before)
      await api.close()
    },
  }
}

/** What begins a trouble, and what ends it. */
function ways(fault) {
  const [name, how] = fault.split(' ')
  if (how === undefined) return [() => service('stop', names[name]), () => service('start', names[name])]
  const through = relays[name]
  if (through) return [() => through.be(how, lateMs), () => through.be('open')]
  // clients find Keystone in its own catalogue: it is halted itself
  const halt = (signal) => process.kill(-processOf(names[name]), signal)
  let end
  return [
    () => {
      halt('SIGSTOP')
      if (how === 'late') end = setTimeout(halt, lateMs, 'SIGCONT')
    },
    () => {
      clearTimeout(end)
      halt('SIGCONT')
    },
  ]
}

async function trouble(fault, questions, fresh, server, id) {
  fresh.push((await authenticate(env)).id)
  const [begin, end] = ways(fault)
  await begin()
  try {
    for (const [name, right] of Object.entries(expectations[fault])) {
      const { status, body, ms } = await questions[name]()
      const seen = body?.servers ? (body.servers.find((each) => each.id === id)?.status ?? 'absent') : body?.server?.status
      const shown = right.find((each) => typeof each === 'string')
      const told = `${fault}: ${name} → ${status} after ${ms} ms ${shown ? seen : ''} ${JSON.stringify(Object.values(body ?? {})[0]?.message ?? '').slice(0, 150)}`
      process.stdout.write(`  ${told}\n`)
      check(told, right.includes(status) && ms < boundMs && (shown === undefined || seen === shown))
      if (status === 202 && name === 'create') made.push(body.server.id)
      if (status === 202 && name === 'stop')
        await until(id, 'SHUTOFF')
          .then(() => ask('POST', `/servers/${id}/action`, { 'os-start': null }))
          .then(() => until(id, 'ACTIVE'))
    }
  } finally {
    await end()
  }
  const start = Date.now()
  const again = await built(server, 120_000).catch((error) => error)
  check(`${fault} is over: a server can be built (${again})`, typeof again === 'string')
  check(`${fault} is over: the old server is as it was`, await until(id, 'ACTIVE', 60_000))
  for (const each of made) check(`${fault} is over: what was accepted is there: ${each}`, await until(each, 'ACTIVE', 60_000))
  const stopped = await until202(() => ask('POST', `/servers/${id}/action`, { 'os-stop': null }))
  check(`${fault} is over: the server stops and starts`, stopped && (await until(id, 'SHUTOFF', 60_000)))
  await ask('POST', `/servers/${id}/action`, { 'os-start': null })
  await until(id, 'ACTIVE', 60_000)
  for (const each of made.splice(0)) await ask('DELETE', `/servers/${each}`)
  process.stdout.write(`  ${fault} is over: all works after ${Date.now() - start} ms; ${memory()} MB\n`)
}

/** Hundreds of requests that fail, over and over: memory comes to rest. */
async function wear(questions) {
  const sizes = []
  for (let round = 0; round < 8; round++) {
    for (const each of Object.values(relays)) await each.be('away')
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < 10; i++)
          for (const name of ['list', 'show', 'showOf268', 'create', 'stop']) {
            const { status, ms } = await questions[name]()
            if (status < 500 !== ['list', 'show'].includes(name) || ms > boundMs)
              check(`all away: ${name} → ${status} after ${ms} ms`, false)
          }
      }),
    )
    for (const each of Object.values(relays)) await each.be('open')
    for (let i = 0; i < 50; i++) await questions.show()
    sizes.push(memory())
  }
  process.stdout.write(`  all away, 8 times 400 requests: ${sizes.join(', ')} MB\n`)
  check(`memory comes to rest: ${sizes.join(', ')} MB`, sizes.at(-1) < sizes[3] * 1.15 + 10)
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

async function ask(method, path, body, { tokenId = token.id, version = '2.96' } = {}) {
  const start = performance.now()
  const answer = await fetch(`${computeAt}/v2.1${path}`, {
    method,
    headers: { 'x-auth-token': tokenId, 'content-type': 'application/json', 'openstack-api-version': `compute ${version}` },
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

/** The leader of its process group. */
function processOf(name) {
  return Number(spawnSync('sh', ['-c', `${needed('SERVICE')} pid ${name}`], { encoding: 'utf8' }).stdout.trim())
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
