/** What the database layer reads from nova.conf: oslo.db's options (oslo_db/options.py). */
import { boolean, group, integer, type Settings, text } from '../config/options.ts'

const options = {
  connection: text('connection', null, {
    help: 'The database: sqlite:////path, mysql+pymysql://…, postgresql+psycopg2://….',
    secret: true,
  }),
  slaveConnection: text('slave_connection', null, {
    help: 'A copy of the database that may lag behind; it is read only when synchronous_reader is off.',
    secret: true,
  }),
  synchronousReader: boolean('synchronous_reader', true, {
    help: 'Reads must see what was written before; when off, they go to slave_connection.',
  }),
  connectionParameters: text('connection_parameters', '', { help: 'More options for the connection string: name=value&name=value.' }),
  maxPoolSize: integer('max_pool_size', 5, { help: 'Connections that are kept open; 0 for no limit.' }),
  maxOverflow: integer('max_overflow', 50, { help: 'Connections beyond those, closed as soon as they are free; -1 for no limit.' }),
  poolTimeout: integer('pool_timeout', null, { help: 'Seconds to wait for a free connection; 30 when unset.' }),
  connectionRecycleTime: integer('connection_recycle_time', 3600, {
    help: 'Seconds after which a connection is replaced; -1 for never.',
    deprecated: ['idle_timeout'],
  }),
  dbMaxRetries: integer('db_max_retries', 20, { help: 'How often to repeat a transaction that others got in the way of; -1 for ever.' }),
  mysqlSqlMode: text('mysql_sql_mode', 'TRADITIONAL', { help: 'sql_mode of sessions; overrides what the server says.' }),
  mysqlWsrepSyncWait: integer('mysql_wsrep_sync_wait', null, { help: 'wsrep_sync_wait of sessions with Galera.' }),
  sqliteSynchronous: boolean('sqlite_synchronous', true, { help: 'SQLite waits for the disk.' }),
}

/** nova_api. */
export const apiDatabaseOptions = group('api_database', options)
/** The cell that a service belongs to; for the API, cell0. */
export const databaseOptions = group('database', options)

export type DatabaseSettings = Settings<typeof databaseOptions>

/** How to connect, which is the same for every database; which one is said by its connection string. */
export type ConnectionSettings = Omit<DatabaseSettings, 'connection' | 'slaveConnection' | 'synchronousReader'>

/** What nova.conf means when it says nothing. */
export const defaultConnectionSettings: ConnectionSettings = Object.fromEntries(
  Object.entries(options).map(([name, option]) => [name, option.default]),
) as unknown as ConnectionSettings
