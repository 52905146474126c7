/** Connections with TLS, in the words of PyMySQL and psycopg2. */
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/oslo/database/database.ts'
import { certificatesOf, engines } from './engines.ts'

const cipher = {
  mysql: "SELECT variable_value <> '' AS tls FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'",
  postgresql: 'SELECT ssl AS tls FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
}
const home = { mysql: 'information_schema', postgresql: 'postgres' }

/** Whether it is spoken with TLS, or how it was refused. */
const rows: ['mysql' | 'postgresql', host: string, query: string, outcome: boolean | RegExp][] = [
  ['mysql', 'localhost', '', false],
  ['mysql', 'localhost', 'ssl_ca=CA', true],
  ['mysql', '127.0.0.1', 'ssl_ca=CA', /does not match certificate|IP: 127.0.0.1 is not in/],
  ['mysql', '127.0.0.1', 'ssl_ca=CA&ssl_check_hostname=false', true],
  ['mysql', 'localhost', 'ssl_ca=STRANGER', /certificate|issuer|verify/i],
  ['mysql', 'localhost', 'ssl_ca=STRANGER&ssl_verify_cert=false', true],
  ['mysql', 'localhost', 'ssl_check_hostname=false', true],
  ['mysql', 'localhost', 'ssl_ca=CA&ssl_disabled=true', false],
  ['postgresql', 'localhost', '', true],
  ['postgresql', 'localhost', 'sslmode=prefer', true],
  ['postgresql', 'localhost', 'sslmode=disable', false],
  ['postgresql', 'localhost', 'sslmode=allow', false],
  ['postgresql', '127.0.0.1', 'sslmode=require', true],
  ['postgresql', '127.0.0.1', 'sslmode=require&sslrootcert=STRANGER', /certificate|issuer|verify/i],
  ['postgresql', '127.0.0.1', 'sslmode=verify-ca&sslrootcert=CA', true],
  ['postgresql', '127.0.0.1', 'sslmode=verify-full&sslrootcert=CA', /does not match certificate|IP: 127.0.0.1 is not in/],
  ['postgresql', 'localhost', 'sslmode=verify-full&sslrootcert=CA', true],
  ['postgresql', 'localhost', 'sslmode=verify-full&sslrootcert=STRANGER', /certificate|issuer|verify/i],
]
for (const [name, host, query, outcome] of rows)
  test(`${name} at ${host} ${query} → ${outcome}`, async () => {
    const { server } = engines.find((engine) => engine.name === name)!
    const { ca, stranger } = certificatesOf(name)
    const url = `${server.replace('127.0.0.1', host)}${home[name]}?${query.replace('CA', ca).replace('STRANGER', stranger)}`
    const opening = openDatabase(url, { schema: {} })
    if (outcome instanceof RegExp) return expect(opening).rejects.toThrow(outcome)
    const database = await opening
    const [row] = await database.rows<{ tls: boolean | number }>(cipher[name])
    expect(Boolean(row!.tls)).toBe(outcome)
    await database.close()
  })
