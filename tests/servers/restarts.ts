/** What the API does while its database server is stopped, killed and started again; `restart-*.test.ts` say which server. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Farm } from '../support/servers.ts'
import type { Instance } from './instances.ts'

/** Longer than anybody is kept waiting for a server that is away. */
const patienceMs = 15_000

export function restarts(begin: () => Promise<Instance>): void {
  let instance: Instance
  let farm: Farm
  beforeAll(async () => {
    instance = await begin()
    // Read when the module is loaded, which is why that is done here
    process.env.NOVA_TEST_DATABASES = instance.url
    farm = await (await import('../support/servers.ts')).farm()
  })
  afterAll(async () => {
    await farm?.close()
    const { freeSets } = await import('../support/server-databases.ts')
    const { rmSync } = await import('node:fs')
    rmSync(freeSets(instance.url), { recursive: true, force: true })
    await instance.remove()
  })

  interface Seen {
    readonly kept: string[]
    readonly statuses: Map<number, number>
    longestMs: number
  }

  /** Reads and writes go on until told to end; what was accepted is noted. */
  function traffic(prefix: string, server: string) {
    const seen: Seen = { kept: [], statuses: new Map(), longestMs: 0 }
    let going = true
    const timed = async (route: string, body?: unknown) => {
      // What is refused at once is no reason to ask again at once
      await pause(2)
      const start = performance.now()
      const { status } = await farm.api.ask('2.90', route, body)
      seen.longestMs = Math.max(seen.longestMs, performance.now() - start)
      seen.statuses.set(status, (seen.statuses.get(status) ?? 0) + 1)
      return status
    }
    async function write(): Promise<void> {
      for (let i = 0; going; i++) {
        const name = `${prefix}-${i}`
        const status = await timed('POST /flavors', { flavor: { name, id: name, ram: 1, vcpus: 1, disk: 1 } })
        if (status === 200) seen.kept.push(name)
        if (status === 200 && (await timed(`POST /flavors/${name}/os-extra_specs`, { extra_specs: { 'hw:cpu_policy': 'shared' } })) === 200)
          seen.kept.push(`${name}+`)
      }
    }
    async function read(): Promise<void> {
      while (going) for (const route of [`GET /servers/${server}`, 'GET /servers/detail', 'GET /flavors/detail']) await timed(route)
    }
    const running = Promise.all([write(), read(), read()])
    return async () => {
      going = false
      await running
      return seen
    }
  }

  async function kept({ kept, statuses, longestMs }: Seen): Promise<void> {
    const { flavors } = (await farm.api.call('2.90', 'GET /flavors/detail?limit=1000')).body
    const found = new Set<string>()
    for (const { id, extra_specs } of flavors) {
      found.add(id)
      if (extra_specs['hw:cpu_policy']) found.add(`${id}+`)
    }
    const { length } = kept
    expect(length).toBeGreaterThan(2)
    expect(kept.filter((name) => !found.has(name))).toEqual([])
    // Those that could not be served were told so: never another answer
    expect([...statuses.keys()].filter((status) => status !== 200 && status !== 500)).toEqual([])
    expect(longestMs).toBeLessThan(patienceMs)
  }

  const ends: [how: string, end: () => Promise<void>][] = [
    ['stopped', () => instance.stop()],
    ['killed', () => instance.kill()],
  ]
  for (const [how, end] of ends)
    test(`${how} and started again while requests go on: nothing that was accepted is lost`, async () => {
      const server = await farm.server()
      const finish = traffic(how, server)
      await pause(800)
      await end()
      await pause(300)
      await instance.start()
      await pause(1500)
      const seen = await finish()
      await kept(seen)
      expect((await farm.api.call('2.90', `GET /servers/${server}`)).status).toBe(200)
    })

  test('away for longer: refused in bounded time, at once after a while, and served again when it is back', async () => {
    const server = await farm.server()
    const request = async () => {
      const start = performance.now()
      const { status } = await farm.api.call('2.90', `GET /servers/${server}`)
      return { status, ms: performance.now() - start }
    }
    expect((await request()).status).toBe(200)
    await instance.stop()
    // For a while everybody hopes for its return
    const begun = performance.now()
    while (performance.now() - begun < 6000) {
      const { status, ms } = await request()
      expect(status).toBe(500)
      expect(ms).toBeLessThan(patienceMs)
      await pause(50)
    }
    const many = await Promise.all(Array.from({ length: 200 }, request))
    expect(new Set(many.map(({ status }) => status))).toEqual(new Set([500]))
    expect(Math.max(...many.map(({ ms }) => ms))).toBeLessThan(3000)
    await instance.start()
    await pause(200)
    expect((await request()).status).toBe(200)
  })
}
