#!/usr/bin/env node
// What showing a server costs where nothing of Nova is done: an HTTP server of Node that reads the mapping and the server's row, asks Neutron for its ports, and answers
// with what it has got as JSON. For performance.mjs. In the environment: NOVA_CONFIG_DIR, FLOOR_PORT, and NEUTRON, a base URL.
import { createServer } from 'node:http'
import mysql from 'mysql2'
import { Agent, request } from 'undici'
import { connectionUrl } from './databases.mjs'

function pool(section) {
  const url = connectionUrl(section)
  const place = { host: url.hostname, port: Number(url.port || 3306), user: url.username, password: decodeURIComponent(url.password) }
  const connections = mysql.createPool({ ...place, database: url.pathname.slice(1), connectionLimit: 5, dateStrings: true })
  return (sql, values) => new Promise((done, fail) => connections.query(sql, values, (error, rows) => (error ? fail(error) : done(rows))))
}

const [api, cell] = [pool('api_database'), pool('database')]
const dispatcher = new Agent()
const server =
  'SELECT instances.*, instance_extra.flavor, instance_info_caches.network_info FROM instances LEFT JOIN instance_extra ON instance_extra.instance_uuid = instances.uuid ' +
  'LEFT JOIN instance_info_caches ON instance_info_caches.instance_uuid = instances.uuid WHERE instances.uuid = ?'

createServer(async ({ url }, answer) => {
  const uuid = url.split('/').at(-1)
  const [mapping] = await api('SELECT * FROM instance_mappings WHERE instance_uuid = ?', [uuid])
  const [row] = await cell(server, [mapping.instance_uuid])
  const { body } = await request(`${process.env.NEUTRON}/v2.0/ports?device_id=${uuid}`, { dispatcher })
  const text = JSON.stringify({ server: row, ports: await body.json() })
  answer.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}).listen(Number(process.env.FLOOR_PORT), '127.0.0.1', () => process.stdout.write('ready\n'))
