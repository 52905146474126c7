/** Sets of databases that one test after another uses: none sees what those before it did. */
import { describe, expect, test } from 'vitest'
import { takeSet } from '../support/server-databases.ts'
import { beside, engines } from './engines.ts'

describe.each(engines)('$name', ({ server }) => {
  test('a set that is used again gives the ids of a new one, also where all rows were deleted', async () => {
    const ids = async (...after: readonly string[]) => {
      const set = await takeSet(server)
      const connection = await beside(set.url('api'))
      await connection.ask(`INSERT INTO aggregates (uuid, name) VALUES ('${crypto.randomUUID()}', 'one')`)
      const rows = await connection.ask('SELECT id FROM aggregates')
      for (const statement of after) await connection.ask(statement)
      await connection.close()
      set.giveBack()
      return { at: set.url('api'), rows }
    }
    const first = await ids('DELETE FROM aggregates')
    expect(first.rows).toEqual([{ id: 1 }])
    expect(await ids()).toEqual(first)
    expect(await ids()).toEqual(first)
  })
})
