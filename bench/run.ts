/**
 * What an answer costs: CPU of the process that gives it, for the floor (the same rows read raw, JSON.stringify, write; bench/floor.ts) and for ours, in
 * one run over the databases of one embedded cloud, over HTTP. What other processes do for an answer (Keystone, Glance, Neutron, the cell) is theirs.
 *
 *     npm run bench -- [servers] [detail|show|create|metadata ...]
 *
 * Ends with 1 when a budget against the floor does not hold.
 */
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { rmSync } from 'node:fs'
import { Agent, request as ask } from 'node:http'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../src/oslo/database/database.ts'
import { apiSchema } from '../src/stores/api/schema.ts'
import { cellSchema } from '../src/stores/cell/schema.ts'
import { startCloud } from '../tests/support/cloud.ts'
import { freePorts } from '../tests/support/free-ports.ts'
import { cpuMs, residentMb } from './process.ts'
import { populate } from './seed.ts'

const [first, ...others] = process.argv.slice(2)
const servers = Number(first ?? 1000) || 1000
const only = Number.isNaN(Number(first)) ? process.argv.slice(2) : others
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const version = { 'OpenStack-API-Version': 'compute 2.103' }

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

interface Login {
  readonly id: string
  readonly projectId: string
  readonly userId: string
  /** Of a service, by its type in the catalogue. */
  url(type: string): string
}

async function token(variables: Record<string, string>): Promise<Login> {
  const user = { name: variables.OS_USERNAME, domain: { id: 'default' }, password: variables.OS_PASSWORD }
  const answer = await http(
    'POST',
    `${variables.OS_AUTH_URL}/auth/tokens`,
    {},
    {
      auth: {
        identity: { methods: ['password'], password: { user } },
        scope: { project: { name: variables.OS_PROJECT_NAME, domain: { id: 'default' } } },
      },
    },
  )
  const { token: found } = JSON.parse(answer.bytes.toString())
  const url = (type: string) => found.catalog.find((one: { type: string }) => one.type === type).endpoints[0].url as string
  return { id: String(answer.headers['x-subject-token']), projectId: found.project.id, userId: found.user.id, url }
}

async function seed(state: string, who: { projectId: string; userId: string }): Promise<string[]> {
  const url = (name: string) => `sqlite:///${join(state, 'databases', `${name}.sqlite`)}`
  const api = await openDatabase(url('nova_api'), { schema: apiSchema })
  const cell = await openDatabase(url('nova'), { schema: cellSchema })
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

/** Milliseconds of CPU that each of `times` takes in a process, after a quarter as many that do not count. */
async function cost(pid: number, times: number, work: (i: number) => Promise<Answer>, warm = Math.ceil(times / 4)): Promise<number> {
  const once = async (i: number) => {
    const { status, bytes } = await work(i)
    if (status >= 300) throw new Error(`${status}: ${bytes.toString().slice(0, 300)}`)
  }
  for (let i = 0; i < warm; i++) await once(i)
  const before = cpuMs(pid)
  for (let i = 0; i < times; i++) await once(i)
  return (cpuMs(pid) - before) / times
}

interface Measured<T> {
  readonly what: string
  readonly floor: T
  readonly ours: T
  /** Most times the floor. */
  readonly budget?: number
}

type Line = Measured<number>

/** Not measured yet. */
interface Measure extends Measured<() => Promise<number>> {
  readonly name: string
}

const cloud = await startCloud((text) => process.stderr.write(`${text}\n`))
const floorPort = await freePorts(1)
const floor = spawn(process.execPath, [join(import.meta.dirname, 'floor.ts'), cloud.state, String(floorPort)], { stdio: 'inherit' })
let broken = false
try {
  const variables = await cloud.variables()
  const login = await token(variables)
  const { id, ...who } = login
  const pids = Object.fromEntries((await cloud.processes()).processes.map(({ name, pid }) => [name, pid!]))
  const compute = pids['compute-api']!
  const metadata = pids['metadata-api']!
  const base =
    variables.COMPUTE_ENDPOINT ??
    `${variables.OS_AUTH_URL!.replace(/:\d+.*/, '')}:${Number(/:(\d+)/.exec(variables.OS_AUTH_URL!)![1]) + 3}/v2.1`
  const as = { 'X-Auth-Token': id, ...version }
  const uuids = await seed(cloud.state, who)
  const at = (i: number) => uuids[i % uuids.length]!
  const raw = `http://127.0.0.1:${floorPort}`
  await until(() => http('GET', `${raw}/show/${at(0)}`))

  const image = JSON.parse((await http('GET', `${login.url('image')}/v2/images`, { 'X-Auth-Token': id })).bytes.toString()).images[0].id
  const unlimited = { quota_set: { instances: -1, cores: -1, ram: -1, force: true } }
  await http('PUT', `${base}/os-quota-sets/${who.projectId}`, as, unlimited)
  const wanted = (i: number) => ({ server: { name: `made-${i}`, imageRef: image, flavorRef: '1', networks: 'none' } })

  const document = `${variables.METADATA_ENDPOINT}/openstack/latest/meta_data.json`
  const guest = (i: number) => ({
    'X-Instance-ID': at(i),
    'X-Tenant-ID': who.projectId,
    'X-Forwarded-For': '10.0.0.1',
    'X-Instance-ID-Signature': createHmac('sha256', variables.METADATA_SECRET!).update(at(i)).digest('hex'),
  })
  const pages = Math.max(10, Math.round(20_000 / servers))
  const half = Math.floor(uuids.length / 2)
  const rowsOfOne = () => cost(floor.pid!, 2000, (i) => http('GET', `${raw}/show/${at(i)}`))
  const all: Measure[] = [
    {
      name: 'detail',
      what: `GET /servers/detail?limit=${servers}`,
      floor: () => cost(floor.pid!, pages, () => http('GET', `${raw}/detail/${who.projectId}/${servers}`)),
      ours: () => cost(compute, pages, () => http('GET', `${base}/servers/detail?limit=${servers}`, as)),
      budget: 2.5,
    },
    {
      name: 'show',
      what: 'GET /servers/{id}',
      floor: rowsOfOne,
      ours: () => cost(compute, 2000, (i) => http('GET', `${base}/servers/${at(i)}`, as)),
    },
    {
      name: 'create',
      what: 'POST /servers',
      floor: () => cost(floor.pid!, 100, (i) => http('POST', `${raw}/create/${at(i)}`, {}, wanted(i))),
      ours: () => cost(compute, 30, (i) => http('POST', `${base}/servers`, as, wanted(i)), 10),
    },
    {
      name: 'metadata',
      what: 'meta_data.json, uncached',
      floor: rowsOfOne,
      // each server for the first time; another half warms up
      ours: async () => {
        for (let i = 0; i < half; i++) await http('GET', document, guest(i))
        return cost(metadata, half, (i) => http('GET', document, guest(i + half)), 0)
      },
    },
    {
      name: 'metadata',
      what: 'meta_data.json, cached',
      floor: rowsOfOne,
      ours: () => cost(metadata, 4000, () => http('GET', document, guest(half))),
    },
  ]
  const lines: Line[] = []
  for (const { name, floor, ours, ...rest } of all)
    if (only.length === 0 || only.includes(name)) lines.push({ ...rest, floor: await floor(), ours: await ours() })

  process.stdout.write(
    `${cpus()[0]?.model}, Node ${process.versions.node}, ${servers} servers, load ${loadavg()[0]!.toFixed(1)}; CPU of the answering process\n\n`,
  )
  process.stdout.write(`${'what'.padEnd(36)}${'floor'.padStart(10)}${'ours'.padStart(12)}${'ratio'.padStart(8)}  budget\n`)
  for (const { what, floor: least, ours, budget } of lines) {
    const ratio = ours / least
    const holds = budget === undefined || ratio <= budget
    broken ||= !holds
    const said = budget === undefined ? '' : `≤ ${budget}: ${holds ? 'holds' : 'BROKEN'}`
    process.stdout.write(
      `${what.padEnd(36)}${`${least.toFixed(2)} ms`.padStart(10)}${`${ours.toFixed(2)} ms`.padStart(12)}${ratio.toFixed(2).padStart(8)}  ${said}\n`,
    )
  }
  process.stdout.write(
    `\nresident after it: compute API ${residentMb(compute).toFixed(0)} MB, metadata API ${residentMb(metadata).toFixed(0)} MB\n`,
  )
} finally {
  floor.kill()
  agent.destroy()
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
