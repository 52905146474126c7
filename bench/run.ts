/**
 * What an answer costs: CPU of the process that gives it, for the floor (the same rows read raw, JSON.stringify, write; bench/floor.ts) and for ours, in
 * one run over the databases of one embedded cloud, over HTTP. What other processes do for an answer (Keystone, Glance, Neutron, the cell) is theirs;
 * Neutron is a stand-in that answers at once.
 *
 *     npm run bench -- [--mariadb] [--beside CHECKOUT] [--servers 1000] [--rounds 3] [--connections 1]
 *                      [version|flavors|show|list|hundred|detail|lock|create|metadata ...]
 *
 * `--connections` is how many requests are under way at once, each on a connection of its own. `--mariadb` puts the servers into a MariaDB of its own
 * (Debian's mariadb-server), `--beside` measures another checkout in the same rounds. What is run is `nova-ts host` of a checkout,
 * its bundle where there is one (`node scripts/bundle.mjs`). Ends with 1 when a budget against the floor does not hold.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openDatabase } from '../src/oslo/database/database.ts'
import { apiSchema } from '../src/stores/api/schema.ts'
import { cellSchema } from '../src/stores/cell/schema.ts'
import { connect } from '../tests/journeys/client.ts'
import { installed, startMariadb } from '../tests/servers/instances.ts'
import { type Cloud, startCloud } from '../tests/support/cloud.ts'
import { freePorts } from '../tests/support/free-ports.ts'
import { neutronStandIn } from '../tests/support/neutron-stand-in.ts'
import { casesOf, chosen } from './cases.ts'
import { type Http, keptConnections } from './http.ts'
import { measure } from './measure.ts'
import { populate } from './seed.ts'
import { type Databases, filesOf, type Side, serverDatabases, startSide } from './sides.ts'
import { caseLine, headLine, holds } from './table.ts'

const { values: options, positionals: only } = parseArgs({
  allowPositionals: true,
  options: {
    mariadb: { type: 'boolean', default: false },
    beside: { type: 'string' },
    servers: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '1' },
    // arguments of Node for ours, for trying out
    node: { type: 'string', multiple: true, default: [] },
  },
})
const servers = Number(options.servers)
const rounds = Number(options.rounds)
const connections = Number(options.connections)
if (options.mariadb && !installed.mariadb()) throw new Error('there is no MariaDB on this machine')

/** What is to be undone, the last first. */
const opened = new AsyncDisposableStack()
try {
  process.exitCode = (await run()) ? 0 : 1
} finally {
  await opened.disposeAsync()
}

/** Whether all budgets hold. */
async function run(): Promise<boolean> {
  const cloud = await openCloud()
  const mariadb = options.mariadb ? opened.adopt(await startMariadb(), (server) => server.remove()) : undefined
  const { http } = opened.adopt(keptConnections(connections), (kept) => kept.close())
  const variables = await cloud.variables()
  const client = await connect(variables)
  const { projectId, userId, token } = client
  const databases = mariadb ? await serverDatabases(mariadb.url, cloud) : filesOf(cloud)
  const uuids = await seed(databases, { projectId, userId })
  const floorPort = await freePorts(1)
  const floor = `http://127.0.0.1:${floorPort}`
  // it reads files
  const floorProcess = mariadb ? undefined : await startFloor(cloud, floorPort, () => http('GET', `${floor}/show/${uuids[0]}`))
  const sides = await openSides(cloud, databases)
  await unlimited(http, sides[0]!, { projectId, token })
  const image = (await client.insist('GET', 'image', '/v2/images')).body.images[0].id
  const secret = variables.METADATA_SECRET!
  const cases = chosen(casesOf({ http, rounds, uuids, projectId, token, secret, image, floor }), only)

  const hasFloor = floorProcess !== undefined
  process.stdout.write(
    `${cpus()[0]?.model}, Node ${process.versions.node}, ${servers} servers over ${mariadb ? 'MariaDB' : 'SQLite'}; CPU of the answering process, medians of ${rounds}; ${connections} at once\n\n`,
  )
  process.stdout.write(headLine(sides, hasFloor))
  let kept = true
  for (const one of cases) {
    const measured = await measure(one, sides, floorProcess?.pid, { rounds, connections })
    kept &&= holds(measured)
    process.stdout.write(caseLine(measured, hasFloor))
  }
  process.stdout.write(`\nload ${loadavg()[0]!.toFixed(1)}\n`)
  return kept
}

async function openCloud(): Promise<Cloud> {
  const cloud = await startCloud((text) => process.stderr.write(`${text}\n`))
  opened.defer(async () => {
    await cloud.down()
    rmSync(cloud.folder, { recursive: true, force: true })
  })
  return cloud
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

async function startFloor({ state }: Cloud, port: number, answers: () => Promise<unknown>): Promise<ChildProcess> {
  const floor = spawn(process.execPath, [join(import.meta.dirname, 'floor.ts'), state, String(port)], { stdio: 'inherit' })
  opened.defer(() => void floor.kill())
  await until(answers)
  return floor
}

/** Ours first. */
async function openSides(cloud: Cloud, databases: Databases): Promise<Side[]> {
  const neutronPort = await freePorts(1)
  opened.adopt(await neutronStandIn(neutronPort), (neutron) => void neutron.close())
  const common = { cloud, databases, neutron: `http://127.0.0.1:${neutronPort}` }
  const open = async (parts: { name: string; checkout: string; node?: readonly string[] }) =>
    opened.adopt(await startSide({ ...common, ...parts }), (side) => side.stop())
  const sides = [await open({ name: 'ours', checkout: join(import.meta.dirname, '..'), node: options.node })]
  if (options.beside) sides.push(await open({ name: 'beside', checkout: options.beside }))
  return sides
}

/** Many servers are made. */
async function unlimited(http: Http, side: Side, { projectId, token }: { projectId: string; token: string }): Promise<void> {
  const quota = { quota_set: { instances: -1, cores: -1, ram: -1, force: true } }
  await http('PUT', `${side.compute.url}/v2.1/os-quota-sets/${projectId}`, { 'X-Auth-Token': token }, quota)
}

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
