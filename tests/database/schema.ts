/** What `writer.ts` writes to. */
import { id, integer, string, table } from '../../src/oslo/database/schema.ts'

export const schema = {
  notes: table(
    { id: id(), writer: string(10).required(), number: integer().required(), half: integer().required() },
    { unique: { uniq_notes0writer0number0half: ['writer', 'number', 'half'] } },
  ),
  counter: table({ id: id(), total: integer().required() }),
}
