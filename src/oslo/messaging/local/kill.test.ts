import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Address, Driver } from '../driver.ts'
import { localDriver } from './driver.ts'

const topic: Address = { kind: 'topic', topic: 'compute', server: 'h1' }
const here = (file: string) => JSON.stringify(new URL(file, import.meta.url).href)

const brokerScript = `
  import { listenLocal } from ${here('./listen.ts')}
  await listenLocal({ socketPath: process.argv[1], report: console.error })
  console.log('ready')`

/** Writes down what it got, works for a moment, then acknowledges. */
const consumerScript = `
  import { appendFileSync } from 'node:fs'
  import { localDriver } from ${here('./driver.ts')}
  const [socketPath, file] = process.argv.slice(1)
  const address = ${JSON.stringify(topic)}
  await localDriver({ socketPath }).consume(address, 20, (incoming) => setTimeout(() => {
    appendFileSync(file, incoming.body + (incoming.redelivered ? ' again' : '') + '\\n')
    incoming.acknowledge()
  }, 1))
  console.log('ready')`

const children: ChildProcess[] = []
let directory: string
let socketPath: string
let driver: Driver
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'messages-'))
  socketPath = join(directory, 'm.sock')
  driver = localDriver({ socketPath })
})
afterEach(async () => {
  await driver.close()
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

/** Resolves when the script says that it is ready. */
async function start(script: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await new Promise((resolve, reject) => child.stdout!.once('data', resolve) && child.once('exit', reject))
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

/** Casts `total` messages, `width` at once; `confirmed` grows while it runs. */
function stream(total: number, width: number): { confirmed: string[]; done: Promise<unknown> } {
  const confirmed: string[] = []
  let next = 0
  const one = async () => {
    while (next < total) {
      const body = `m${next++}`
      await driver.publish(topic, { id: body, durable: true, body, timeoutMs: 15_000 })
      confirmed.push(body)
    }
  }
  return { confirmed, done: Promise.all(Array.from({ length: width }, one)) }
}

const past = (confirmed: string[], count: number) =>
  vi.waitFor(() => expect(confirmed.length).toBeGreaterThan(count), { timeout: 10_000, interval: 1 })
const everything = (total: number) => [...Array(total).keys()].map((n) => `m${n}`).sort()

describe('kill -9 in the middle of a stream of casts', () => {
  test('of the broker: nothing confirmed is lost, nothing unconfirmed is given up', async () => {
    const total = 3_000
    const received = new Map<string, number>()
    let broker = await start(brokerScript, socketPath)
    await driver.consume(topic, 100, (incoming) => {
      received.set(incoming.body, (received.get(incoming.body) ?? 0) + 1)
      setTimeout(() => incoming.acknowledge(), 1)
    })
    const { confirmed, done } = stream(total, 100)
    for (const part of [0.2, 0.6]) {
      await past(confirmed, total * part)
      await kill(broker)
      broker = await start(brokerScript, socketPath)
    }
    await done
    await vi.waitFor(() => expect(received.size).toBe(total), 10_000)
    expect([...received.keys()].sort()).toEqual(everything(total))
    expect(confirmed).toHaveLength(total)
  })

  test('of a broker that nobody listens to: all that was confirmed is there at the next start, in order and flagged', async () => {
    const broker = await start(brokerScript, socketPath)
    const { confirmed, done } = stream(500, 1)
    await past(confirmed, 200)
    await kill(broker)
    const atDeath = [...confirmed]
    await start(brokerScript, socketPath)
    await done
    const received: string[] = []
    const flags: boolean[] = []
    await driver.consume(topic, 1_000, ({ body, redelivered }) => {
      received.push(body)
      flags.push(redelivered)
    })
    await vi.waitFor(() => expect(received).toHaveLength(500), 5_000)
    expect(received.slice(0, atDeath.length)).toEqual(atDeath)
    expect(flags.slice(0, atDeath.length)).not.toContain(false)
    expect(flags.at(-1)).toBe(false)
  })

  test('of the consumer: what it had not done comes again', async () => {
    const total = 1_500
    const file = join(directory, 'done')
    await start(brokerScript, socketPath)
    const consumer = await start(consumerScript, socketPath, file)
    const { confirmed, done } = stream(total, 50)
    await past(confirmed, 300)
    await kill(consumer)
    await start(consumerScript, socketPath, file)
    await done
    const lines = () => readFileSync(file, 'utf8').trim().split('\n')
    const bodies = () => new Set(lines().map((line) => line.split(' ')[0]!))
    await vi.waitFor(() => expect(bodies().size).toBe(total), { timeout: 10_000, interval: 50 })
    expect([...bodies()].sort()).toEqual(everything(total))
    const again = lines().filter((line) => line.endsWith(' again'))
    expect(again.length).toBeGreaterThan(0)
    expect(again.length).toBeLessThanOrEqual(20)
  })

  test('of both', async () => {
    const total = 1_500
    const file = join(directory, 'done')
    const broker = await start(brokerScript, socketPath)
    const consumer = await start(consumerScript, socketPath, file)
    const { confirmed, done } = stream(total, 50)
    await past(confirmed, 300)
    await Promise.all([kill(consumer), kill(broker)])
    await Promise.all([start(brokerScript, socketPath), start(consumerScript, socketPath, file)])
    await done
    const bodies = () =>
      new Set(
        readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .map((line) => line.split(' ')[0]!),
      )
    await vi.waitFor(() => expect(bodies().size).toBe(total), { timeout: 10_000, interval: 50 })
    expect([...bodies()].sort()).toEqual(everything(total))
  })
})
