/** A process that writes: `writer.ts <file> <name> <pairs>`. A line on stdout for each pair of rows that is committed. */
import { openDatabase } from '../../src/oslo/database/database.ts'
import { schema } from './schema.ts'

const [file, name, pairs] = process.argv.slice(2) as [string, string, string]
const database = await openDatabase(`sqlite:///${file}`, { schema })
for (let i = 1; i <= Number(pairs); i++) {
  await database.write(async (tx) => {
    const { total } = await tx.selectFrom('counter').select('total').executeTakeFirstOrThrow()
    await tx.insertInto('notes').values({ writer: name, number: i, half: 1 }).execute()
    await tx
      .updateTable('counter')
      .set({ total: total + 1 })
      .execute()
    await tx.insertInto('notes').values({ writer: name, number: i, half: 2 }).execute()
  })
  process.stdout.write(`${i}\n`)
}
await database.close()
