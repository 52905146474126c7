/** Several processes with one SQLite file: nothing is lost between them, and none of them can break it by dying. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/oslo/database/database.ts'
import { createStatements } from '../../src/oslo/database/ddl.ts'
import { schema } from './schema.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'nova-ts-processes-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const opened = (file: string, create = false) => openDatabase(`sqlite:///${file}`, { schema, create })

async function made(file: string) {
  const database = await opened(file, true)
  await database.write(async (tx) => {
    for (const statement of createStatements(schema, 'sqlite')) await sql.raw(statement).execute(tx)
    await tx.insertInto('counter').values({ total: 0 }).execute()
  })
  return database
}

const writer = (file: string, name: string, pairs: number): ChildProcess =>
  spawn(process.execPath, [fileURLToPath(new URL('writer.ts', import.meta.url)), file, name, String(pairs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })

const ended = (child: ChildProcess): Promise<number | string | null> =>
  new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))

/** The last pair that the process said is committed, once it has said `wanted` or has ended. */
async function told(child: ChildProcess, wanted: number): Promise<number> {
  let last = 0
  for await (const line of createInterface({ input: child.stdout! })) {
    last = Number(line)
    if (last >= wanted) break
  }
  return last
}

const total = async (database: Awaited<ReturnType<typeof opened>>) =>
  (await database.read((tx) => tx.selectFrom('counter').select('total').executeTakeFirstOrThrow())).total

test('two processes that write at once, and this one, lose nothing', async () => {
  const database = await made(join(directory, 'two.sqlite'))
  const pairs = 150
  const children = ['a', 'b'].map((name) => writer(join(directory, 'two.sqlite'), name, pairs))
  const finished = Promise.all(children.map(ended))
  await Promise.all(children.map((child) => told(child, 1)))
  for (let i = 1; i <= pairs; i++)
    await database.write(async (tx) => {
      const before = await tx.selectFrom('counter').select('total').executeTakeFirstOrThrow()
      await tx
        .updateTable('counter')
        .set({ total: before.total + 1 })
        .execute()
      await tx.insertInto('notes').values({ writer: 'c', number: i, half: 1 }).execute()
    })
  expect(await finished).toEqual([0, 0])
  expect(await total(database)).toBe(3 * pairs)
  const counts = await database.rows('SELECT writer, count(*) AS n FROM notes GROUP BY writer ORDER BY writer')
  expect(counts).toEqual([
    { writer: 'a', n: 2 * pairs },
    { writer: 'b', n: 2 * pairs },
    { writer: 'c', n: pairs },
  ])
  expect(await database.integrity()).toEqual([])
  await database.close()
})

test('kill -9 in the middle of writes leaves whole transactions, all that were told, and a sound file', async () => {
  const file = join(directory, 'killed.sqlite')
  await (await made(file)).close()
  let known = 0
  for (const [round, until] of [5, 40, 90].entries()) {
    const child = writer(file, `k${round}`, 100_000)
    const finished = ended(child)
    const last = await told(child, until)
    child.kill('SIGKILL')
    expect(await finished).toBe('SIGKILL')
    const database = await opened(file)
    expect(await database.integrity()).toEqual([])
    const [row] = await database.rows<{ pairs: number; rows: number; last: number }>(
      'SELECT count(DISTINCT number) AS pairs, count(*) AS rows, max(number) AS last FROM notes WHERE writer = ?',
      [`k${round}`],
    )
    expect(row!.last).toBeGreaterThanOrEqual(last)
    expect(row).toMatchObject({ pairs: row!.last, rows: 2 * row!.last })
    known += row!.pairs
    expect(await total(database)).toBe(known)
    await database.close()
  }
})

test('several that open a new file at once all get it', async () => {
  const file = join(directory, 'new.sqlite')
  const all = await Promise.all([opened(file, true), opened(file, true), opened(file, true)])
  for (const database of all) await database.close()
})
