/** Tokens that open a console; only their hashes are kept. */
import { createHash } from 'node:crypto'
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { CellTables } from './schema.ts'
import { type CellRow, type CellValues, from, insert } from './table.ts'

export type ConsoleToken = CellRow<'console_auth_tokens'>

export const consoleTokens = (database: Database<CellTables>, now: () => number) => ({
  /** The token, unless it has expired. nova/objects/console_auth_token.py validate */
  find: (token: string): Promise<ConsoleToken | undefined> =>
    database.read((tx) =>
      from(tx, 'console_auth_tokens')
        .where('token_hash', '=', hashOf(token))
        .where('expires', '>', Math.floor(now() / 1000))
        .executeTakeFirst(),
    ),

  create: ({ token, ...values }: CellValues<'console_auth_tokens'> & { token: string; instanceUuid: string }): Promise<number> =>
    database.write((tx) => insert(tx, 'console_auth_tokens', { ...values, tokenHash: hashOf(token), createdAt: toDateTime(now()) })),

  /** All of a server. */
  removeOf: (instanceUuid: string): Promise<void> =>
    database.write(async (tx) => {
      await tx.deleteFrom('console_auth_tokens').where('instance_uuid', '=', instanceUuid).execute()
    }),

  removeExpired: (): Promise<void> =>
    database.write(async (tx) => {
      await tx
        .deleteFrom('console_auth_tokens')
        .where('expires', '<=', Math.floor(now() / 1000))
        .execute()
    }),
})

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')
