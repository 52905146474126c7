// The databases of the deployment, as its nova.conf names them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { needed } from './services.mjs'

/** `connection` of a section of nova.conf. */
export function connectionUrl(section) {
  const text = readFileSync(join(needed('NOVA_CONFIG_DIR'), 'nova.conf'), 'utf8')
  return new URL(new RegExp(`\\[${section}\\][^[]*?connection = (\\S+)`).exec(text)[1])
}

/** A connection to the database of a section; `more` are options of mysql2. */
export const connectTo = (section, more = {}) => mysql.createConnection({ ...placeOf(section), ...more })

/** `rows(sql, ...values)` and `close()` of the database of a section; a server that was away meanwhile is found again. */
export async function openDatabase(section) {
  const pool = mysql.createPool({ ...placeOf(section), connectionLimit: 1 })
  return {
    rows: async (sql, ...values) => (await pool.query(sql, values))[0],
    close: () => pool.end(),
  }
}

function placeOf(section) {
  const url = connectionUrl(section)
  return {
    host: url.hostname,
    port: Number(url.port || 3306),
    user: url.username,
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
  }
}
