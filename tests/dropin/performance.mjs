#!/usr/bin/env node
// Side by side, on demand: Nova's own APIs and ours on one machine, over one database with the same rows, with one token; requests in a second, times, processor
// time of the API processes alone, and their memory. In the environment: see services.mjs, and
//   NOVA_API, NOVA_METADATA   where Nova's own two are
//   NOVA_PIDS                 a command that prints the numbers of their main processes, compute API first
//   NETWORK_STAND_IN          a port: Neutron's questions are answered there at once. Nova has to be started with [neutron] endpoint_override saying so
// Arguments: --workers 1 (as many as Nova has), --seconds 3 (of each measurement), --servers 1000
import { execSync } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { databases, depopulate, populate } from './population.mjs'
import { authenticate, clientEnvironment, computeAt, metadataAt, needed, startServices } from './services.mjs'

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '3' },
    servers: { type: 'string', default: '1000' },
  },
})
const workers = Number(values.workers)
const seconds = Number(values.seconds)
const ticks = 100

const env = clientEnvironment()
const token = await authenticate(env)
const standIn = process.env.NETWORK_STAND_IN ? await network(Number(process.env.NETWORK_STAND_IN)) : undefined
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
const store = await databases()
const copies = Array.from({ length: Number(values.servers) }, () => randomUUID())
let model
try {
  model = await build()
  await populate(store, model, copies)
  await measureAll(model)
} finally {
  await depopulate(store, copies)
  if (model) await once(sides.ours.compute, 'DELETE', `/v2.1/servers/${model}`)
  await store.close()
  await running.stop()
  standIn?.close()
}

/** One server, really built: what is copied. */
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
    if (now.status === 'ACTIVE') return id
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
      path: `/v2.1/servers/${model}/action`,
      body: { [turn++ % 2 ? 'lock' : 'unlock']: null },
    }),
    'metadata, cached': () => metadata(model),
    'metadata, uncached': () => metadata(next()),
  }
  process.stdout.write(
    `${cpus()[0].model}, ${cpus().length} cores; ${copies.length} servers; ${workers} worker(s); Neutron: ${standIn ? 'a stand-in that answers at once' : 'real'}\n\n`,
  )
  process.stdout.write('| request | | requests/s | p50 ms | p99 ms | CPU ms | memory MB |\n|---|---|---|---|---|---|---|\n')
  for (const [name, make] of Object.entries(cases))
    for (const side of ['nova', 'ours']) {
      turn = side === 'nova' ? 0 : Math.floor(copies.length / 2)
      const { rate, p50, p99, cpu, memory, failed } = await measure(
        sides[side],
        make,
        name.startsWith('metadata, un') ? copies.length / 2 : Number.POSITIVE_INFINITY,
      )
      const cells = [rate.toFixed(1), p50.toFixed(1), p99.toFixed(1), cpu.toFixed(2), memory.toFixed(0)]
      process.stdout.write(`| ${side === 'nova' ? name : ''} | ${side}${failed ? ` (${failed} failed)` : ''} | ${cells.join(' | ')} |\n`)
    }
}

/** Two connections for each worker, for a while after a warm-up. */
async function measure(side, make, most) {
  const service = make().service ?? 'compute'
  const pid = side.pids[service]
  const run = async (forMs, limit) => {
    const times = []
    let failed = 0
    const end = performance.now() + forMs
    const line = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      while (performance.now() < end && times.length + failed < limit) {
        const { method, path, body, headers } = make()
        const start = performance.now()
        const { status } = await once(side[service], method, path, body, { agent, headers })
        if (status < 300) times.push(performance.now() - start)
        else failed++
      }
      agent.destroy()
    }
    await Promise.all(Array.from({ length: workers * 2 }, line))
    return { times, failed }
  }
  await run(500, Math.min(20, most))
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

/** Answers Neutron's questions about ports and security groups with nothing, at once. */
function network(port) {
  const server = createServer((asked, answer) => {
    asked.resume()
    const [, name = ''] = /\/v2\.0\/([a-z-]+)/.exec(asked.url) ?? []
    const text = JSON.stringify({ [name.replaceAll('-', '_')]: [] })
    answer.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    answer.end(text)
  })
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)))
}
