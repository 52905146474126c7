import { expect, test } from 'vitest'
import { text } from '../app/contract.ts'
import { ask } from '../app/testing.ts'
import { ageLimit, countLimit, memoryLimit, requestLimit } from './worker-limits.ts'

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const exchange = undefined as never

test('a request that is not answered in time gets 504, once', async () => {
  const told: string[] = []
  const app = requestLimit(0.05, (reason) => told.push(reason))(async ({ path }) => {
    if (path === '/slow') await after(200)
    if (path === '/failing') {
      await after(100)
      throw new Error('too late')
    }
    return text(200, 'done')
  })
  const statuses = await Promise.all(['/fast', '/slow', '/failing'].map(async (path) => (await app(ask(`GET ${path}`))).status))
  expect(statuses).toEqual([200, 504, 504])
  await after(200)
  expect(told).toEqual(['GET /slow has not been answered for 0.05 s', 'GET /failing has not been answered for 0.05 s'])
})

test('without a limit the application is as it was', () => {
  const app = async () => text(200, '')
  expect(requestLimit(0, () => undefined)(app)).toBe(app)
})

test('memory is told once, and only when it is more', async () => {
  let held = 100 * 1024 * 1024
  const told: string[] = []
  const watcher = memoryLimit(
    100,
    (reason) => told.push(reason),
    () => held,
  )
  watcher.ended(exchange)
  held += 1024 * 1024
  watcher.ended(exchange)
  expect(told).toEqual([])
  await after(550)
  watcher.ended(exchange)
  watcher.ended(exchange)
  expect(told).toEqual(['it holds 101 MiB of memory, more than 100'])
})

test('requests are counted', () => {
  const told: string[] = []
  const watcher = countLimit(2, (reason) => told.push(reason))
  for (let i = 0; i < 3; i++) watcher.ended(exchange)
  expect(told).toEqual(['2 requests are answered'])
})

test('age is told', async () => {
  const told: string[] = []
  ageLimit(0, (reason) => told.push(reason))
  ageLimit(0.02, (reason) => told.push(reason))
  await after(100)
  expect(told).toEqual(['it has served for 0.02 s'])
})
