import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ConnectionLost, DatabaseError, DatabaseUnavailable } from './errors.ts'
import { openPool, type Pooled, type PoolOptions } from './pool.ts'

class Line implements Pooled {
  lost = false
  ended = false
  onLost: (() => void) | undefined
  readonly number: number
  constructor(number: number) {
    this.number = number
  }
  ping = async () => {}
  end() {
    this.ended = true
  }
  break() {
    this.lost = true
    this.onLost?.()
  }
}

function opened(options: Partial<PoolOptions<Line>> = {}) {
  const lines: Line[] = []
  const connect = async () => {
    const line = new Line(lines.length + 1)
    lines.push(line)
    return line
  }
  return {
    lines,
    pool: openPool({ connect, keep: 2, overflow: 1, spareSeconds: 0.05, waitSeconds: 0.05, recycleSeconds: 3600, ...options }),
  }
}

test('a connection that was given back is used again, the last one first', async () => {
  const { pool, lines } = opened()
  const [a, b] = [await pool.take(), await pool.take()]
  pool.give(a)
  pool.give(b)
  expect(await pool.take()).toBe(b)
  expect(await pool.take()).toBe(a)
  expect(lines).toHaveLength(2)
})

test('no more than are kept and beyond; of those beyond the ones that stay free are closed after a while', async () => {
  const { pool, lines } = opened()
  const taken = [await pool.take(), await pool.take(), await pool.take()]
  await expect(pool.take()).rejects.toThrow(/none of 3 connections came free within 0.05 s/)
  for (const line of taken) pool.give(line)
  expect(lines.map((line) => line.ended)).toEqual([false, false, false])
  expect(await pool.take()).toBe(taken[2])
  pool.give(taken[2]!)
  await expect.poll(() => lines.map((line) => line.ended)).toEqual([true, false, false])
  await pause(120)
  expect(lines.map((line) => line.ended)).toEqual([true, false, false])
})

const limits: [keep: number, overflow: number][] = [
  [0, 10],
  [2, -1],
]
for (const [keep, overflow] of limits)
  test(`max_pool_size ${keep}, max_overflow ${overflow}: no limit`, async () => {
    const { pool, lines } = opened({ keep, overflow })
    for (let i = 0; i < 30; i++) await pool.take()
    expect(lines).toHaveLength(30)
  })

test('who waits gets what comes back, first come, first served', async () => {
  const { pool } = opened({ keep: 1, overflow: 0, waitSeconds: 5 })
  const line = await pool.take()
  const order: number[] = []
  const waiting = [1, 2, 3].map(async (number) => {
    const mine = await pool.take()
    order.push(number)
    pool.give(mine)
  })
  pool.give(line)
  await Promise.all(waiting)
  expect(order).toEqual([1, 2, 3])
})

test('one that broke is not used again, whether it was in use or idle, and its place is free', async () => {
  const { pool } = opened({ keep: 1, overflow: 0 })
  const used = await pool.take()
  used.break()
  pool.give(used)
  const idle = await pool.take()
  expect(idle.number).toBe(2)
  pool.give(idle)
  idle.break()
  expect((await pool.take()).number).toBe(3)
})

test('an old one is replaced when it is asked for', async () => {
  const { pool, lines } = opened({ recycleSeconds: 0 })
  pool.give(await pool.take())
  await pause(5)
  expect((await pool.take()).number).toBe(2)
  expect(lines[0]!.ended).toBe(true)
  const never = opened({ recycleSeconds: -1 })
  never.pool.give(await never.pool.take())
  expect((await never.pool.take()).number).toBe(1)
})

test('a server that has just gone may be back soon; other errors are told as they are', async () => {
  let fail: Error | undefined = new DatabaseUnavailable('refused')
  const connect = async () => {
    if (fail) throw fail
    return new Line(1)
  }
  const { pool } = opened({ connect })
  await expect(pool.take()).rejects.toBeInstanceOf(ConnectionLost)
  fail = new DatabaseError('wrong password')
  await expect(pool.take()).rejects.toBe(fail)
  fail = undefined
  expect((await pool.take()).number).toBe(1)
})

test('close waits for those in use; then there is nothing more', async () => {
  const { pool, lines } = opened()
  const [a, b] = [await pool.take(), await pool.take()]
  pool.give(b)
  const closing = pool.close(5)
  expect(lines[1]!.ended).toBe(true)
  await expect(pool.take()).rejects.toThrow('closed')
  pool.give(a)
  await closing
  expect(lines[0]!.ended).toBe(true)
  const other = opened()
  await other.pool.take()
  const start = performance.now()
  await other.pool.close(0.02)
  expect(performance.now() - start).toBeLessThan(1000)
})
