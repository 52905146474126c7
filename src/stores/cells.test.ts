import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openDatabase } from '../oslo/database/database.ts'
import { DatabaseUnavailable } from '../oslo/database/errors.ts'
import { type CellMappings, cell0Uuid } from './api/mappings.ts'
import { cellSchema } from './cell/schema.ts'
import { type Answer, answered, type Cell, CellTimeout, openCells } from './cells.ts'
import { syncCell } from './sync.ts'

const mapping = (id: number, more: object = {}) => ({
  id,
  uuid: id === 1 ? cell0Uuid : `${id}0000000-0000-0000-0000-000000000000`,
  name: id === 1 ? 'cell0' : `cell${id - 1}`,
  databaseConnection: `sqlite:///{path}/${id}`,
  transportUrl: id === 1 ? 'none:///' : 'rabbit://{hostname}/',
  disabled: false,
  createdAt: null,
  updatedAt: null,
  ...more,
})

/** Three cells; `away` says what happens to those that cannot be opened. */
function threeCells(away: Map<number, () => Promise<never>>, { deadlineSeconds = 0.1, disabled = 0 } = {}) {
  const asked = { lists: 0, opened: [] as string[] }
  const reports: string[] = []
  const mappings = [mapping(1), mapping(2), mapping(3, { disabled: disabled === 3 })]
  const cells = openCells({
    mappings: {
      list: async () => {
        asked.lists++
        return [...mappings]
      },
    } as unknown as CellMappings,
    now: Date.now,
    deadlineSeconds,
    expand: (template, kind) => template.replace('{path}', 'databases').replace('{hostname}', kind),
    open: async (url) => {
      asked.opened.push(url)
      await away.get(Number(url.at(-1)))?.()
      const database = await openDatabase('sqlite://', { schema: cellSchema })
      await syncCell(database)
      return database
    },
    report: (cell, error) => reports.push(`${cell.name}: ${error instanceof Error ? error.name : error}`),
  })
  return { cells, asked, reports, mappings }
}

const refused = async () => {
  throw new DatabaseUnavailable('refused')
}
const never = () => new Promise<never>(() => {})
const errorOf = (answer: Answer<unknown>): unknown => ('error' in answer ? answer.error : undefined)
const names = async (cell: Cell) => cell.name

test('all cells are asked, a disabled one too: it only gets no more servers', async () => {
  const { cells } = threeCells(new Map(), { disabled: 3, deadlineSeconds: 20 })
  const answers = await cells.gather(names)
  expect(answers.filter(answered).map(({ value }) => value)).toEqual(['cell0', 'cell1', 'cell2'])
  expect((await cells.all()).map(({ name }) => name)).toEqual(['cell0', 'cell1', 'cell2'])
  await cells.close()
})

test('URLs are filled in; cell0 has no message broker', async () => {
  const { cells, asked } = threeCells(new Map(), { deadlineSeconds: 20 })
  const all = await cells.all()
  expect(asked.opened).toEqual(['sqlite:///databases/1', 'sqlite:///databases/2', 'sqlite:///databases/3'])
  expect(all.map(({ transportUrl }) => transportUrl)).toEqual([null, 'rabbit://transport/', 'rabbit://transport/'])
  await cells.close()
})

test('one that cannot be reached costs no other its answer, is told, and is there again when it is back', async () => {
  const away = new Map([[2, refused]])
  const { cells, reports } = threeCells(away, { deadlineSeconds: 20 })
  const first = await cells.gather(names)
  expect(first.map((answer) => (answered(answer) ? answer.value : (errorOf(answer) as Error).name))).toEqual([
    'cell0',
    'DatabaseUnavailable',
    'cell2',
  ])
  expect(reports).toEqual(['cell1: DatabaseUnavailable'])
  away.clear()
  expect((await cells.gather(names)).every(answered)).toBe(true)
  await cells.close()
})

test('one that does not answer at all costs its deadline', async () => {
  const { cells, reports } = threeCells(new Map([[3, never]]))
  await cells.byId(1)
  const start = performance.now()
  const answers = await cells.gather(async (cell) => cell.name)
  expect(performance.now() - start).toBeLessThan(2000)
  expect(answers.find((answer) => !answered(answer))).toMatchObject({ cell: { id: 3 }, error: expect.any(CellTimeout) })
  expect(reports).toContain('cell2: CellTimeout')
  await cells.close()
})

test('one that was silent gets a second to be reached the next time, not its whole deadline', async () => {
  const away = new Map<number, () => Promise<never>>([[3, refused]])
  const { cells } = threeCells(away, { deadlineSeconds: 4 })
  await cells.gather(names)
  away.set(3, never)
  const start = performance.now()
  const answers = await cells.gather(names)
  expect(answers.filter(answered)).toHaveLength(2)
  expect(performance.now() - start).toBeGreaterThan(900)
  expect(performance.now() - start).toBeLessThan(3500)
})

test('what comes after the deadline disturbs nobody', async () => {
  const { cells } = threeCells(new Map())
  await cells.all()
  const answers = await cells.gather(async () => {
    await pause(150)
    throw new Error('late')
  })
  expect(answers.every((answer) => errorOf(answer) instanceof CellTimeout)).toBe(true)
  await pause(100)
  await cells.close()
})

test('mappings are read once, and again for a cell that is not known', async () => {
  const { cells, asked, mappings } = threeCells(new Map(), { deadlineSeconds: 20 })
  await cells.gather(names)
  await cells.gather(names, [2])
  expect(asked.lists).toBe(1)
  expect(await cells.byId(4)).toBeUndefined()
  mappings.push(mapping(4))
  const answers = await cells.gather(names, [4])
  expect(answers.filter(answered).map(({ value }) => value)).toEqual(['cell3'])
  expect(asked.lists).toBe(3)
  await cells.close()
})
