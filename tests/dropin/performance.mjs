#!/usr/bin/env node
// Side by side, on demand: Nova's own APIs and ours on one machine, over one database with the same rows, with one token; requests in a second, times, processor
// time of the API processes alone, and their memory. In the environment: see services.mjs, and
//   NOVA_API, NOVA_METADATA   where Nova's own two are
//   NOVA_PIDS                 a command that prints the numbers of their main processes, compute API first
//   NETWORK_STAND_IN          a port: Neutron's questions are answered there at once. Nova has to be started with [neutron] endpoint_override saying so
// Arguments: --workers 1 (as many as Nova has), --connections 2 (for each worker, a request under way on each), --seconds 3 (of each measurement),
// --warm 8 (seconds before it, of either side: V8 compiles what is hot during the first thousands of requests), --servers 1000,
// --only PATTERN (of the requests, those whose name matches), --floor PORT (showing a server is measured of a bare server there as well, floor.mjs),
// --creates 10 (servers that are made in each measurement of that). Ours run as an operator runs them: from the bundle, which is made first.
// What it prints is Markdown, for docs/performance.md.
import { execFileSync, execSync, spawn } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { neutronStandIn } from '../support/neutron-stand-in.ts'
import { databases, depopulate, populate } from './population.mjs'
import { authenticate, clientEnvironment, computeAt, metadataAt, needed, startServices } from './services.mjs'

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '1' },
    connections: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '3' },
    warm: { type: 'string', default: '8' },
    servers: { type: 'string', default: '1000' },
    creates: { type: 'string', default: '10' },
    only: { type: 'string', default: '' },
    floor: { type: 'string' },
  },
})
const workers = Number(values.workers)
const connections = Number(values.connections)
const seconds = Number(values.seconds)
const warmSeconds = Number(values.warm)
const ticks = 100

execFileSync(process.execPath, [join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'scripts', 'bundle.mjs')], { stdio: 'inherit' })
const env = clientEnvironment()
const token = await authenticate(env)
const standIn = process.env.NETWORK_STAND_IN ? await neutronStandIn(Number(process.env.NETWORK_STAND_IN)) : undefined
const running = await startServices({
  workers: workers > 1 ? workers : 0,
  environment: standIn ? { OS_NEUTRON__ENDPOINT_OVERRIDE: `http://127.0.0.1:${process.env.NETWORK_STAND_IN}` } : {},
})
const [novaCompute, novaMetadata] = execSync(needed('NOVA_PIDS'), { encoding: 'utf8' }).trim().split(/\s+/).map(Number)
const sides = {
  nova: { compute: needed('NOVA_API'), metadata: needed('NOVA_METADATA'), pids: { compute: novaCompute, metadata: novaMetadata } },
  ours: {
    compute: computeAt,
    metadata: metadataAt,
    pids: Object.fromEntries(running.services.map(({ name, child }) => [name, child.pid])),
  },
}
const floor = values.floor ? await startFloor() : undefined
const store = await databases()
const copies = Array.from({ length: Number(values.servers) }, () => randomUUID())
let model
let quota
/** Servers that were made to see what that costs. */
const made = []
try {
  model = await build()
  await populate(store, model.id, copies)
  quota = await unlimited()
  await measureAll(model)
} finally {
  await removeMade()
  if (quota) await once(sides.ours.compute, 'PUT', `/v2.1/os-quota-sets/${token.projectId}`, { quota_set: quota })
  await depopulate(store, copies)
  if (model) await once(sides.ours.compute, 'DELETE', `/v2.1/servers/${model.id}`)
  await store.close()
  await running.stop()
  standIn?.close()
  floor?.child.kill()
}

/** Showing a server where nothing of Nova is done. */
async function startFloor() {
  const script = join(dirname(fileURLToPath(import.meta.url)), 'floor.mjs')
  const neutron = standIn ? `http://127.0.0.1:${process.env.NETWORK_STAND_IN}` : process.env.NEUTRON
  const environment = { ...process.env, FLOOR_PORT: values.floor, NEUTRON: neutron }
  const child = spawn(process.execPath, [script], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve, reject) => child.stdout.once('data', resolve) && child.once('exit', reject))
  return { child, compute: `http://127.0.0.1:${values.floor}`, pids: { compute: child.pid } }
}

/** The copies count as well: without this no server could be made beside them. What was there before comes back. */
async function unlimited() {
  const at = `/v2.1/os-quota-sets/${token.projectId}`
  const { quota_set: before } = JSON.parse((await once(sides.ours.compute, 'GET', at)).body)
  const { instances, cores, ram } = before
  await once(sides.ours.compute, 'PUT', at, { quota_set: { instances: -1, cores: -1, ram: -1, force: true } })
  return { instances, cores, ram, force: true }
}

async function removeMade() {
  const gone = made.splice(0)
  for (const id of gone) await once(sides.ours.compute, 'DELETE', `/v2.1/servers/${id}`)
  for (let tries = 0; tries < 100 && gone.length > 0; tries++) {
    const { status } = await once(sides.ours.compute, 'GET', `/v2.1/servers/${gone.at(-1)}`)
    if (status === 404) gone.pop()
    else await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

/** One server, really built: what is copied. Its id, and what it was asked for with. */
async function build() {
  const endpoint = (type) =>
    token.catalog.find((service) => service.type === type).endpoints.find(({ interface: side }) => side === 'public').url
  const json = async (url) => (await fetch(url, { headers: { 'x-auth-token': token.id } })).json()
  const { images } = await json(`${endpoint('image')}/v2/images?name=cirros`)
  const { networks } = await json(`${endpoint('network')}/v2.0/networks?shared=true`)
  const { flavors } = await json(`${sides.ours.compute}/v2.1/flavors`)
  const server = {
    name: 'model',
    imageRef: images[0].id,
    flavorRef: flavors.find(({ name }) => name === 'm1.nano').id,
    networks: standIn ? 'none' : [{ uuid: networks[0].id }],
  }
  const { body } = await once(sides.ours.compute, 'POST', '/v2.1/servers', { server })
  const id = JSON.parse(body).server.id
  for (let tries = 0; tries < 200; tries++) {
    const { server: now } = JSON.parse((await once(sides.ours.compute, 'GET', `/v2.1/servers/${id}`)).body)
    if (now.status === 'ACTIVE') return { id, server }
    if (now.status === 'ERROR') throw new Error(`the model is in error: ${JSON.stringify(now.fault)}`)
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  throw new Error('the model was not built')
}

async function measureAll(model) {
  let turn = 0
  const next = () => copies[turn++ % copies.length]
  const meta = (id) => ({
    'x-instance-id': id,
    'x-tenant-id': token.projectId,
    'x-forwarded-for': '10.0.0.1',
    'x-instance-id-signature': createHmac('sha256', process.env.METADATA_SECRET ?? '')
      .update(id)
      .digest('hex'),
  })
  const metadata = (id) => ({ service: 'metadata', method: 'GET', path: '/openstack/latest/meta_data.json', headers: meta(id) })
  const cases = {
    versions: () => ({ method: 'GET', path: '/v2.1/' }),
    'flavors, detail': () => ({ method: 'GET', path: '/v2.1/flavors/detail' }),
    'server, show': () => ({ method: 'GET', path: `/v2.1/servers/${next()}` }),
    'servers, list of 100': () => ({ method: 'GET', path: '/v2.1/servers?limit=100' }),
    'servers, detail of 100': () => ({ method: 'GET', path: '/v2.1/servers/detail?limit=100' }),
    'servers, detail of 1000': () => ({ method: 'GET', path: '/v2.1/servers/detail?limit=1000' }),
    'server, lock and unlock': () => ({
      method: 'POST',
      path: `/v2.1/servers/${model.id}/action`,
      body: { [turn++ % 2 ? 'lock' : 'unlock']: null },
    }),
    'server, create': () => ({ method: 'POST', path: '/v2.1/servers', body: { server: { ...model.server, name: 'made' } } }),
    'metadata, cached': () => metadata(model.id),
    'metadata, uncached': () => metadata(next()),
  }
  const limits = {
    // each server once: what is kept of it would be measured otherwise
    'metadata, uncached': { warm: Math.floor(copies.length / 4), most: Math.floor(copies.length / 4) },
    'server, create': { warm: Math.ceil(values.creates / 2), most: Number(values.creates) },
  }
  const write = (text) => process.stdout.write(text)
  write(
    `## With ${standIn ? 'a stand-in for Neutron that answers at once' : 'the real Neutron'}, ${workers} worker${workers > 1 ? 's' : ''}, ${connections} connections each\n\n`,
  )
  write(
    `${cpus()[0].model}, ${cpus().length} cores, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}; ${copies.length} servers; `,
  )
  write(`each side warmed up for ${warmSeconds} s, measured for ${seconds} s.\n\n`)
  write('| request | | requests/s | p50 ms | p99 ms | CPU ms | times less | memory MB |\n|---|---|---|---|---|---|---|---|\n')
  const wanted = new RegExp(values.only)
  for (const [name, make] of Object.entries(cases).filter(([each]) => wanted.test(each))) {
    let theirs
    for (const side of ['nova', 'ours', ...(floor && name === 'server, show' ? ['floor'] : [])]) {
      turn = side === 'nova' ? 0 : Math.floor(copies.length / 2)
      const { rate, p50, p99, cpu, memory, failed } = await measure({ ...sides, floor }[side], make, limits[name])
      theirs ??= cpu
      const less = side === 'nova' ? '' : (theirs / cpu).toFixed(1)
      const cells = [rate.toFixed(1), p50.toFixed(1), p99.toFixed(1), cpu.toFixed(2), less, memory.toFixed(0)]
      write(`| ${side === 'nova' ? name : ''} | ${side}${failed ? ` (${failed} failed)` : ''} | ${cells.join(' | ')} |\n`)
      await removeMade()
    }
  }
  write('\n')
}

/** On all connections, for a while after a warm-up. */
async function measure(side, make, { warm = Number.POSITIVE_INFINITY, most = Number.POSITIVE_INFINITY } = {}) {
  const service = make().service ?? 'compute'
  const pid = side.pids[service]
  const run = async (forMs, limit) => {
    const times = []
    let failed = 0
    let begun = 0
    const end = performance.now() + forMs
    const line = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      while (performance.now() < end && begun++ < limit) {
        const { method, path, body, headers } = make()
        const start = performance.now()
        const { status, body: text } = await once(side[service], method, path, body, { agent, headers })
        if (status < 300) times.push(performance.now() - start)
        else failed++
        if (status === 202 && path === '/v2.1/servers') made.push(JSON.parse(text).server.id)
      }
      agent.destroy()
    }
    await Promise.all(Array.from({ length: workers * connections }, line))
    return { times, failed }
  }
  await run(warmSeconds * 1000, warm)
  const before = spent(pid)
  const start = performance.now()
  const { times, failed } = await run(seconds * 1000, most)
  const took = (performance.now() - start) / 1000
  times.sort((a, b) => a - b)
  const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? Number.NaN
  return {
    rate: times.length / took,
    p50: at(0.5),
    p99: at(0.99),
    cpu: (spent(pid) - before) / (times.length + failed),
    memory: memoryOf(pid),
    failed,
  }
}

function once(base, method, path, body, { agent, headers = {} } = {}) {
  const text = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const asked = request(
      `${base}${path}`,
      {
        agent,
        method,
        headers: {
          'x-auth-token': token.id,
          'openstack-api-version': 'compute 2.96',
          ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...headers,
        },
      },
      (answer) => {
        const chunks = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('end', () => resolve({ status: answer.statusCode, body: Buffer.concat(chunks).toString() }))
      },
    )
    asked.on('error', reject)
    asked.end(text)
  })
}

/** A process and those below it. */
function family(pid) {
  const parents = new Map()
  for (const name of readdirSync('/proc'))
    if (/^\d+$/.test(name)) {
      try {
        parents.set(Number(name), Number(statOf(name)[1]))
      } catch {
        // it ended meanwhile
      }
    }
  const all = [pid]
  for (const each of all) for (const [child, parent] of parents) if (parent === each) all.push(child)
  return all
}

function statOf(pid) {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')
}

/** Processor time so far, in ms. */
function spent(pid) {
  return family(pid).reduce((sum, each) => sum + ((Number(statOf(each)[11]) + Number(statOf(each)[12])) * 1000) / ticks, 0)
}

/** What it has for itself, and its share of what is shared. */
function memoryOf(pid) {
  return family(pid).reduce(
    (sum, each) => sum + Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${each}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024,
    0,
  )
}
