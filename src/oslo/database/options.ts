/** What the database layer reads from nova.conf. */
import { group, integer, type Settings, text } from '../config/options.ts'

const options = {
  connection: text('connection', null, {
    help: 'The database: sqlite:////path, mysql+pymysql://…, postgresql+psycopg2://….',
    secret: true,
  }),
  maxRetries: integer('max_retries', 10, { help: 'How often to try to connect at start; -1 for ever.' }),
}

/** nova_api. */
export const apiDatabaseOptions = group('api_database', options)
/** The cell that a service belongs to; for the API, cell0. */
export const databaseOptions = group('database', options)

export type DatabaseSettings = Settings<typeof databaseOptions>
