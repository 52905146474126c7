import { expect, test } from 'vitest'
import { describeUrl, parseUrl } from './url.ts'

const server = { user: null, password: null, host: null, port: null, database: null, query: {} }
const good: [string, object][] = [
  ['sqlite://', { engine: 'sqlite', file: null, query: {} }],
  ['sqlite:///', { engine: 'sqlite', file: null, query: {} }],
  ['sqlite:///:memory:', { engine: 'sqlite', file: null, query: {} }],
  ['sqlite:///nova.db', { engine: 'sqlite', file: 'nova.db', query: {} }],
  ['sqlite:///./a b/nova.db', { engine: 'sqlite', file: './a b/nova.db', query: {} }],
  ['sqlite:////var/lib/nova.db', { engine: 'sqlite', file: '/var/lib/nova.db', query: {} }],
  ['sqlite+pysqlite:////x?timeout=3', { engine: 'sqlite', file: '/x', query: { timeout: '3' } }],
  [
    'mysql+pymysql://nova:secret@10.0.0.1/nova_api?charset=utf8',
    { ...server, engine: 'mysql', user: 'nova', password: 'secret', host: '10.0.0.1', database: 'nova_api', query: { charset: 'utf8' } },
  ],
  ['mariadb://h/n', { ...server, engine: 'mysql', host: 'h', database: 'n' }],
  ['mysql://u:p%40%2F%23x@h:3307/n', { ...server, engine: 'mysql', user: 'u', password: 'p@/#x', host: 'h', port: 3307, database: 'n' }],
  ['mysql://u:a/b:c#d?e%zz@h/n', { ...server, engine: 'mysql', user: 'u', password: 'a/b:c#d?e%zz', host: 'h', database: 'n' }],
  ['mysql://u:@h/n', { ...server, engine: 'mysql', user: 'u', password: '', host: 'h', database: 'n' }],
  ['postgresql+psycopg2://u@[fd00::1]:5433/n', { ...server, engine: 'postgresql', user: 'u', host: 'fd00::1', port: 5433, database: 'n' }],
  ['postgresql://u@/n?host=/run/pg', { ...server, engine: 'postgresql', user: 'u', database: 'n', query: { host: '/run/pg' } }],
]
for (const [url, expected] of good) test(`${url} is read`, () => expect(parseUrl(url)).toEqual(expected))

const drivers =
  'mysql+pymysql mysql+mysqldb mysql+mysqlconnector mysql+mariadbconnector mariadb+pymysql mariadb+mariadbconnector ' +
  'postgresql+psycopg2 postgresql+psycopg postgresql+asyncpg postgresql+pg8000'
for (const name of drivers.split(' '))
  test(`${name} is known`, () => {
    const engine = name.startsWith('postgresql') ? 'postgresql' : 'mysql'
    expect(parseUrl(`${name}://u:p@h/n`)).toEqual({ ...server, engine, user: 'u', password: 'p', host: 'h', database: 'n' })
  })

const bad: [string, RegExp][] = [
  ['', /not a connection string/],
  ['nova.db', /not a connection string/],
  ['oracle://u:secret@h/n', /unknown database engine oracle/],
  ['mysql+pymsql://u:secret@h/n', /unknown driver pymsql of mysql \(known: pymysql, mysqldb,/],
  ['mariadb+psycopg2://u:secret@h/n', /unknown driver psycopg2 of mariadb/],
  ['postgresql+pymysql://u:secret@h/n', /unknown driver pymysql of postgresql/],
  ['sqlite+pysqlcipher:////n', /unknown driver pysqlcipher of sqlite/],
  ['mysql+PyMySQL://u:secret@h/n', /unknown driver PyMySQL of mysql/],
  ['sqlite://nova.db', /names a host/],
  ['mysql://u:secret@h:65536/n', /65536 is not a port/],
  ['mysql://u:secret@h:x/n', /x is not a port/],
]
for (const [url, message] of bad)
  test(`${url || 'nothing'} is refused`, () => {
    expect(() => parseUrl(url)).toThrow(message)
    expect(() => parseUrl(url)).not.toThrow(/secret/)
  })

const described: [string, string][] = [
  ['mysql+pymysql://nova:se:c/ret@h/nova?charset=utf8', 'mysql+pymysql://nova:***@h/nova'],
  ['mysql://nova@h/nova', 'mysql://nova@h/nova'],
  ['sqlite:////var/lib/nova.db', 'sqlite:////var/lib/nova.db'],
]
for (const [url, shown] of described) test(`${shown} is what is shown`, () => expect(describeUrl(url)).toBe(shown))
