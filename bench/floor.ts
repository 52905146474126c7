/**
 * The least that an answer can cost in this language: the rows that it is made of read raw, JSON.stringify, write. A server for run.ts, which
 * measures it from outside as it measures the applications: `node bench/floor.ts STATE PORT`.
 */
import { createServer } from 'node:http'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

const [state, port] = process.argv.slice(2) as [string, string]
const open = (name: string) => {
  const database = new Sqlite(join(state, 'databases', `${name}.sqlite`))
  database.pragma('busy_timeout = 5000')
  database.pragma('synchronous = NORMAL')
  return database
}
const api = open('nova_api')
const cell = open('nova')

/** Every table that a server's answer has something of. */
const ofServers = ['instance_info_caches', 'instance_extra', 'instance_metadata', 'instance_system_metadata', 'block_device_mapping'].map(
  (table) => (uuids: string) => cell.prepare(`SELECT * FROM ${table} WHERE instance_uuid IN (${uuids}) AND deleted = 0`).raw(),
)
const tags = (uuids: string) => cell.prepare(`SELECT resource_id, tag FROM tags WHERE resource_id IN (${uuids})`).raw()
const specs = (uuids: string) => api.prepare(`SELECT * FROM request_specs WHERE instance_uuid IN (${uuids})`).raw()
const places = (count: number) => Array(count).fill('?').join(',')

const oneUuid = places(1)
const prepared = {
  one: cell.prepare('SELECT * FROM instances WHERE uuid = ? AND deleted = 0').raw(),
  mapping: api.prepare('SELECT * FROM instance_mappings WHERE instance_uuid = ?').raw(),
  page: cell.prepare('SELECT * FROM instances WHERE deleted = 0 AND project_id = ? ORDER BY created_at DESC, id DESC LIMIT ?').raw(),
  around: [...ofServers, tags, specs].map((of) => of(oneUuid)),
}
const uuidColumn = prepared.page.columns().findIndex(({ name }) => name === 'uuid')
const pages = new Map<number, ReturnType<typeof specs>[]>()

function detail(project: string, limit: number): unknown {
  const rows = prepared.page.all(project, limit) as unknown[][]
  const uuids = rows.map((row) => row[uuidColumn])
  let around = pages.get(uuids.length)
  if (!around) pages.set(uuids.length, (around = [...ofServers, tags, specs].map((of) => of(places(uuids.length)))))
  return [rows, around.map((statement) => statement.all(...uuids))]
}

const show = (uuid: string): unknown => [
  prepared.mapping.all(uuid),
  prepared.one.all(uuid),
  prepared.around.map((statement) => statement.all(uuid)),
]

/** The rows that a new server begins with, copied from one that is there. */
const copies = ['request_specs', 'instance_mappings'].map((table) => {
  const columns = (api.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name).filter((name) => name !== 'id')
  const values = columns.map((name) => (name === 'instance_uuid' ? '?' : name))
  return api.prepare(`INSERT INTO ${table} (${columns}) SELECT ${values} FROM ${table} WHERE instance_uuid = ?`)
})
const buildRequest = api.prepare(
  'INSERT INTO build_requests (created_at, instance_uuid, project_id, instance, block_device_mappings, tags) VALUES (?, ?, ?, ?, ?, ?)',
)
const removals = ['request_specs', 'instance_mappings', 'build_requests'].map((table) =>
  api.prepare(`DELETE FROM ${table} WHERE instance_uuid = ?`),
)

function create(like: string, body: string): unknown {
  const { server } = JSON.parse(body)
  const uuid = crypto.randomUUID()
  api.transaction(() => {
    buildRequest.run('2026-01-01 00:00:00', uuid, 'floor', JSON.stringify(show(like)), '[]', '[]')
    for (const copy of copies) copy.run(uuid, like)
  })()
  // what another listing would find
  setImmediate(() => api.transaction(() => removals.map((removal) => removal.run(uuid)))())
  return { server: { id: uuid, name: server.name } }
}

createServer((request, answer) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const [, what, which, count] = request.url!.split('/') as [string, string, string, string]
    const value =
      what === 'detail' ? detail(which, Number(count)) : what === 'show' ? show(which) : create(which, Buffer.concat(chunks).toString())
    const bytes = Buffer.from(JSON.stringify(value))
    answer.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': bytes.length }).end(bytes)
  })
}).listen(Number(port), '127.0.0.1')
