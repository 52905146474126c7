// A thousand servers for measuring, as rows: one that was really built is copied, with everything that belongs to it. Building them would take the computes an hour.
import { randomUUID } from 'node:crypto'
import { connectTo } from './databases.mjs'

const perServer = [
  'instance_extra',
  'instance_info_caches',
  'instance_system_metadata',
  'instance_metadata',
  'block_device_mapping',
  'tags',
]
const keyOf = (table) => (table === 'tags' ? 'resource_id' : 'instance_uuid')

/** Connections to nova_api and to the cell that nova.conf names. */
export async function databases() {
  const asTheyAre = { dateStrings: true }
  const [api, cell] = [await connectTo('api_database', asTheyAre), await connectTo('database', asTheyAre)]
  return { api, cell, close: () => Promise.all([api.end(), cell.end()]) }
}

/** Copies a server, under these UUIDs. */
export async function populate({ api, cell }, uuid, copies) {
  const [[instance]] = await cell.query('select * from instances where uuid = ?', [uuid])
  await insert(
    cell,
    'instances',
    copies.map((copy, index) => ({ ...instance, id: undefined, uuid: copy, hostname: `copy-${index}`, display_name: `copy-${index}` })),
  )
  for (const table of perServer) {
    const key = keyOf(table)
    const [rows] = await cell.query(`select * from ${table} where ${key} = ?`, [uuid])
    const fresh = (row) => ('uuid' in row ? { uuid: randomUUID() } : {})
    await insert(
      cell,
      table,
      copies.flatMap((copy) => rows.map((row) => without(table, { ...row, ...fresh(row), [key]: copy }))),
    )
  }
  for (const table of ['instance_mappings', 'request_specs']) {
    const [rows] = await api.query(`select * from ${table} where instance_uuid = ?`, [uuid])
    await insert(
      api,
      table,
      copies.flatMap((copy) => rows.map((row) => ({ ...row, id: undefined, instance_uuid: copy }))),
    )
  }
}

export async function depopulate({ api, cell }, copies) {
  if (copies.length === 0) return
  for (const table of [...perServer, 'instance_actions'])
    await cell.query(`delete from ${table} where ${keyOf(table)} in (?)`, [copies]).catch(() => {})
  await cell.query('delete from instances where uuid in (?)', [copies])
  for (const table of ['instance_mappings', 'request_specs']) await api.query(`delete from ${table} where instance_uuid in (?)`, [copies])
}

const without = (table, row) => (table === 'tags' ? row : { ...row, id: undefined })

async function insert(connection, table, rows) {
  if (rows.length === 0) return
  const columns = Object.keys(rows[0]).filter((name) => rows[0][name] !== undefined)
  for (let at = 0; at < rows.length; at += 100) {
    const values = rows.slice(at, at + 100).map((row) => columns.map((name) => row[name]))
    await connection.query(`insert into ${table} (${columns.map((name) => `\`${name}\``).join()}) values ?`, [values])
  }
}
