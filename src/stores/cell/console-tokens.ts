/** Tokens that open a console; only their hashes are kept. */
import { createHash } from 'node:crypto'
import type { Database } from '../../oslo/database/database.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, from } from './table.ts'

export type ConsoleToken = CellRow<'console_auth_tokens'>

export const consoleTokens = (database: Database<CellTables>, now: () => number) => ({
  /** The token, unless it has expired. nova/objects/console_auth_token.py validate */
  find: (token: string): Promise<ConsoleToken | undefined> =>
    database.read(async (tx) => {
      const hash = createHash('sha256').update(token).digest('hex')
      return from(tx, 'console_auth_tokens')
        .where('token_hash', '=', hash)
        .where('expires', '>', Math.floor(now() / 1000))
        .executeTakeFirst()
    }),
})

export type ConsoleTokens = ReturnType<typeof consoleTokens>
