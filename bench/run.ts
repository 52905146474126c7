/**
 * What an answer costs: CPU of the process that gives it, for the floor (the same rows read raw, JSON.stringify, write; bench/floor.ts) and for ours, in
 * one run over the databases of one embedded cloud, over HTTP. What other processes do for an answer (Keystone, Glance, Neutron, the cell) is theirs;
 * Neutron is a stand-in that answers at once.
 *
 *     npm run bench -- [--mariadb] [--beside CHECKOUT] [--servers 1000] [--rounds 3] [version|flavors|show|list|hundred|detail|lock|create|metadata ...]
 *
 * `--mariadb` puts the servers into a MariaDB of its own (Debian's mariadb-server), `--beside` measures another checkout in the same rounds. What is run is
 * `nova-ts host` of a checkout, its bundle where there is one (`node scripts/bundle.mjs`). Ends with 1 when a budget against the floor does not hold.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { rmSync } from 'node:fs'
import { Agent, request as ask } from 'node:http'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openDatabase } from '../src/oslo/database/database.ts'
import { apiSchema } from '../src/stores/api/schema.ts'
import { cellSchema } from '../src/stores/cell/schema.ts'
import { connect } from '../tests/journeys/client.ts'
import { installed, startMariadb } from '../tests/servers/instances.ts'
import { startCloud } from '../tests/support/cloud.ts'
import { freePorts } from '../tests/support/free-ports.ts'
import { neutronStandIn } from '../tests/support/neutron-stand-in.ts'
import { cpuMs, residentMb } from './process.ts'
import { populate } from './seed.ts'
import { type Databases, filesOf, type Side, serverDatabases, startSide } from './sides.ts'

const { values: options, positionals: only } = parseArgs({
  allowPositionals: true,
  options: {
    mariadb: { type: 'boolean', default: false },
    beside: { type: 'string' },
    servers: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
    // arguments of Node for ours, for trying out
    node: { type: 'string', multiple: true, default: [] },
  },
})
const servers = Number(options.servers)
const rounds = Number(options.rounds)
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const version = { 'OpenStack-API-Version': 'compute 2.96' }

interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly bytes: Buffer
}

function http(method: string, url: string, headers: Record<string, string> = {}, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const sent =
      text === undefined ? headers : { ...headers, 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) }
    const outgoing = ask(url, { method, headers: sent, agent }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, bytes: Buffer.concat(chunks) }))
    })
    outgoing.on('error', reject).end(text)
  })
}

async function seed(databases: Databases, who: { projectId: string; userId: string }): Promise<string[]> {
  const api = await openDatabase(databases.api, { schema: apiSchema })
  const cell = await openDatabase(databases.cell, { schema: cellSchema })
  try {
    const [row] = await api.rows("SELECT id FROM cell_mappings WHERE name = 'cell1'", [])
    return await populate(api, cell, {
      ...who,
      count: servers,
      imageId: crypto.randomUUID(),
      cellId: Number(Object.values(row as object)[0]),
    })
  } finally {
    await api.close()
    await cell.close()
  }
}

/** Milliseconds of CPU that each of `times` takes in a process, after some that do not count. */
async function cost(pid: number, times: number, work: (i: number) => Promise<Answer>, warm: number): Promise<number> {
  const once = async (i: number) => {
    const { status, bytes } = await work(i)
    if (status >= 300) throw new Error(`${status}: ${bytes.toString().slice(0, 300)}`)
  }
  for (let i = 0; i < warm; i++) await once(i)
  const before = cpuMs(pid)
  for (let i = 0; i < times; i++) await once(i)
  return (cpuMs(pid) - before) / times
}

/** One kind of request, to whoever is measured. */
interface Case {
  readonly name: string
  readonly what: string
  readonly times: number
  /** Before the first round, so that what is measured has been compiled. */
  readonly warm: number
  readonly service: 'compute' | 'metadata'
  /** The same of the floor, when it has it. */
  readonly floor?: (i: number) => Promise<Answer>
  readonly ours: (side: Side, i: number) => Promise<Answer>
  /** Most times the floor. */
  readonly budget?: number
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

if (options.mariadb && !installed.mariadb()) throw new Error('there is no MariaDB on this machine')
const cloud = await startCloud((text) => process.stderr.write(`${text}\n`))
const mariadb = options.mariadb ? await startMariadb() : undefined
const [floorPort, neutronPort] = [await freePorts(1), await freePorts(1)]
const neutron = await neutronStandIn(neutronPort)
const sides: Side[] = []
let floor: ChildProcess | undefined
let broken = false
try {
  const variables = await cloud.variables()
  const client = await connect(variables)
  const { projectId, userId } = client
  const databases = mariadb ? await serverDatabases(mariadb.url, cloud) : filesOf(cloud)
  const uuids = await seed(databases, { projectId, userId })
  const at = (i: number) => uuids[i % uuids.length]!

  const raw = `http://127.0.0.1:${floorPort}`
  // it reads files
  if (!mariadb) {
    floor = spawn(process.execPath, [join(import.meta.dirname, 'floor.ts'), cloud.state, String(floorPort)], { stdio: 'inherit' })
    await until(() => http('GET', `${raw}/show/${at(0)}`))
  }
  const common = { cloud, databases, neutron: `http://127.0.0.1:${neutronPort}` }
  const here = join(import.meta.dirname, '..')
  sides.push(await startSide({ ...common, name: 'ours', checkout: here, node: options.node }))
  if (options.beside) sides.push(await startSide({ ...common, name: 'beside', checkout: options.beside }))

  const as = { 'X-Auth-Token': client.token, ...version }
  const compute = (side: Side, method: string, path: string, body?: unknown) => http(method, `${side.compute.url}/v2.1${path}`, as, body)
  const image = (await client.insist('GET', 'image', '/v2/images')).body.images[0].id
  const unlimited = { quota_set: { instances: -1, cores: -1, ram: -1, force: true } }
  await compute(sides[0]!, 'PUT', `/os-quota-sets/${projectId}`, unlimited)
  const wanted = (i: number) => ({ server: { name: `made-${i}`, imageRef: image, flavorRef: '1', networks: 'none' } })

  const document = '/openstack/latest/meta_data.json'
  const metadata = (side: Side, path: string, uuid: string) =>
    http('GET', `${side.metadata.url}${path}`, {
      'X-Instance-ID': uuid,
      'X-Tenant-ID': projectId,
      'X-Forwarded-For': '10.0.0.1',
      'X-Instance-ID-Signature': createHmac('sha256', variables.METADATA_SECRET!).update(uuid).digest('hex'),
    })
  // each server for the first time: what is kept is kept for each side, and a part of the servers is for each round
  const turns = new Map<Side, number>()
  const next = (side: Side) => {
    const turn = turns.get(side) ?? 0
    turns.set(side, turn + 1)
    return at(turn)
  }
  const share = Math.floor(uuids.length / (rounds + 1))
  const pages = Math.max(10, Math.round(20_000 / servers))
  const rowsOfOne = (i: number) => http('GET', `${raw}/show/${at(i)}`)
  const all: Case[] = [
    {
      name: 'version',
      what: 'GET /v2.1/',
      times: 2000,
      warm: 3000,
      service: 'compute',
      ours: (side) => compute(side, 'GET', '/'),
    },
    {
      name: 'flavors',
      what: 'GET /flavors/detail',
      times: 1000,
      warm: 1500,
      service: 'compute',
      ours: (side) => compute(side, 'GET', '/flavors/detail'),
    },
    {
      name: 'show',
      what: 'GET /servers/{id}',
      times: 1500,
      warm: 2500,
      service: 'compute',
      floor: rowsOfOne,
      ours: (side, i) => compute(side, 'GET', `/servers/${at(i)}`),
    },
    {
      name: 'list',
      what: 'GET /servers?limit=100',
      times: 300,
      warm: 500,
      service: 'compute',
      ours: (side) => compute(side, 'GET', '/servers?limit=100'),
    },
    {
      name: 'hundred',
      what: 'GET /servers/detail?limit=100',
      times: 100,
      warm: 150,
      service: 'compute',
      floor: () => http('GET', `${raw}/detail/${projectId}/100`),
      ours: (side) => compute(side, 'GET', '/servers/detail?limit=100'),
    },
    {
      name: 'detail',
      what: `GET /servers/detail?limit=${servers}`,
      times: pages,
      warm: pages,
      service: 'compute',
      floor: () => http('GET', `${raw}/detail/${projectId}/${servers}`),
      ours: (side) => compute(side, 'GET', `/servers/detail?limit=${servers}`),
      budget: 2.5,
    },
    {
      name: 'lock',
      what: 'POST lock, unlock',
      times: 500,
      warm: 800,
      service: 'compute',
      ours: (side, i) => compute(side, 'POST', `/servers/${at(0)}/action`, { [i % 2 ? 'lock' : 'unlock']: null }),
    },
    {
      name: 'create',
      what: 'POST /servers',
      times: 40,
      warm: 60,
      service: 'compute',
      floor: (i) => http('POST', `${raw}/create/${at(i)}`, {}, wanted(i)),
      ours: (side, i) => compute(side, 'POST', '/servers', wanted(i)),
    },
    {
      name: 'metadata',
      what: 'meta_data.json, uncached',
      times: share,
      warm: share,
      service: 'metadata',
      floor: rowsOfOne,
      ours: (side) => metadata(side, document, next(side)),
    },
    {
      name: 'metadata',
      what: 'meta_data.json, cached',
      times: 3000,
      warm: 4000,
      service: 'metadata',
      floor: rowsOfOne,
      ours: (side) => metadata(side, document, at(0)),
    },
  ]
  const unknown = only.find((word) => !all.some(({ name }) => name === word))
  if (unknown !== undefined)
    throw new Error(`nothing is called ${unknown}; there are ${[...new Set(all.map(({ name }) => name))].join(', ')}`)
  process.stdout.write(
    `${cpus()[0]?.model}, Node ${process.versions.node}, ${servers} servers over ${mariadb ? 'MariaDB' : 'SQLite'}; CPU of the answering process, medians of ${rounds}\n\n`,
  )
  const heads = [...sides.map(({ name }) => name), ...(floor ? ['floor', 'ratio'] : []), ...sides.map(({ name }) => `${name}, MB`)]
  process.stdout.write(`${'what'.padEnd(34)}${heads.map((head) => head.padStart(13)).join('')}  budget\n`)
  for (const { what, times, warm, service, floor: least, ours, budget } of all.filter(
    ({ name }) => only.length === 0 || only.includes(name),
  )) {
    const found = new Map<Side | 'floor', number[]>([...sides, 'floor' as const].map((side) => [side, []]))
    for (let round = 0; round < rounds; round++) {
      for (const side of sides) found.get(side)!.push(await cost(side[service].pid, times, (i) => ours(side, i), round === 0 ? warm : 0))
      if (floor && least) found.get('floor')!.push(await cost(floor.pid!, times, least, round === 0 ? warm : 0))
    }
    const [own] = sides.map((side) => median(found.get(side)!))
    const ratio = floor && least ? own! / median(found.get('floor')!) : undefined
    const holds = budget === undefined || ratio === undefined || ratio <= budget
    broken ||= !holds
    const cells = [
      ...sides.map((side) => `${median(found.get(side)!).toFixed(3)} ms`),
      ...(floor ? (ratio === undefined ? ['', ''] : [`${median(found.get('floor')!).toFixed(3)} ms`, ratio.toFixed(2)]) : []),
      ...sides.map((side) => residentMb(side[service].pid).toFixed(0)),
    ]
    const said = budget === undefined || ratio === undefined ? '' : `≤ ${budget}: ${holds ? 'holds' : 'BROKEN'}`
    process.stdout.write(`${what.padEnd(34)}${cells.map((cell) => cell.padStart(13)).join('')}  ${said}\n`)
  }
  process.stdout.write(`\nload ${loadavg()[0]!.toFixed(1)}\n`)
} finally {
  for (const side of sides) await side.stop()
  floor?.kill()
  neutron.close()
  agent.destroy()
  await mariadb?.remove()
  await cloud.down()
  rmSync(cloud.folder, { recursive: true, force: true })
}
process.exitCode = broken ? 1 : 0

/** Tries again for ten seconds. */
async function until(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++)
    try {
      await work()
      return
    } catch (error) {
      if (tries > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
}
