import { describe, expect, test } from 'vitest'
import { type Note, superviseWorkers, type WorkerEvents } from './supervisor.ts'

/** A supervisor over workers that do what a test says, at a time that a test sets. */
function scene(count = 2) {
  let now = 0
  const timers: { at: number; act: () => void }[] = []
  const notes: Note[] = []
  const workers: { worker: number; pid: number; events: WorkerEvents; orders: string[] }[] = []
  const supervisor = superviseWorkers({
    count,
    drainMs: 60_000,
    note: (note) => notes.push(note),
    timers: {
      now: () => now,
      after(ms, act) {
        const timer = { at: now + ms, act }
        timers.push(timer)
        return () => void timers.splice(timers.indexOf(timer) >>> 0, 1)
      },
    },
    launch(worker, events) {
      const one = { worker, pid: 100 + workers.length, events, orders: [] as string[] }
      workers.push(one)
      return {
        pid: one.pid,
        drain: ({ totalMs, idleMs }) => void one.orders.push(`drain ${totalMs} ${idleMs}`),
        kill: () => void one.orders.push('kill'),
      }
    },
  })
  const pass = (ms: number) => {
    now += ms
    for (const timer of timers.filter(({ at }) => at <= now)) {
      timers.splice(timers.indexOf(timer), 1)
      timer.act()
    }
  }
  const kinds = () => notes.map(({ kind }) => kind)
  return { supervisor, workers, notes, kinds, pass }
}

/** Two workers that serve. */
function running() {
  const all = scene()
  for (const { events } of all.workers) events.ready()
  all.notes.length = 0
  return all
}

describe('a start', () => {
  test('is over when all are ready', () => {
    const { workers, kinds, supervisor } = scene()
    workers[1]!.events.ready()
    expect([kinds(), supervisor.counts().workers]).toEqual([['ready'], 1])
    workers[0]!.events.ready()
    expect([kinds(), supervisor.counts().workers]).toEqual([['ready', 'ready', 'up'], 2])
  })

  test('that fails stops all, with the reason', async () => {
    const { workers, supervisor, notes } = scene()
    workers[0]!.events.ready()
    workers[1]!.events.failed('no configuration')
    workers[1]!.events.ended('exit 1')
    expect(notes.at(-1)).toEqual({ kind: 'refused', reason: 'no configuration' })
    expect(workers[0]!.orders).toEqual(['drain 0 0'])
    workers[0]!.events.ended('exit 0')
    expect(await supervisor.stopped).toBe('no configuration')
  })
})

describe('what ends by itself is started again', () => {
  const rows: [string, number[], number[]][] = [
    ['the first time at once', [0], [0]],
    ['then later each time', [0, 0, 0, 0, 0], [0, 100, 200, 400, 800]],
    ['ten seconds at most', Array(10).fill(0), [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]],
    ['at once after half a minute of service', [0, 0, 30_000], [0, 100, 0]],
    ['later after less', [0, 0, 29_999], [0, 100, 200]],
  ]
  for (const [name, lives, waits] of rows)
    test(name, () => {
      const { workers, notes, pass } = running()
      let one = workers[0]!
      for (const ms of lives) {
        pass(ms)
        one.events.ended('SIGKILL')
        const { againInMs } = notes.at(-1) as Extract<Note, { kind: 'ended' }>
        const before = workers.length
        if (againInMs > 0) pass(againInMs - 1)
        expect(workers.length, 'not earlier').toBe(againInMs > 0 ? before : before)
        pass(againInMs > 0 ? 1 : 0)
        expect(workers.length, 'but then').toBe(before + 1)
        one = workers.at(-1)!
        one.events.ready()
      }
      expect(notes.flatMap((note) => (note.kind === 'ended' ? [note.againInMs] : []))).toEqual(waits)
    })

  test('also when it says so before, while it still answers; its end is no second one', () => {
    const { workers, pass, supervisor } = running()
    workers[0]!.events.leaving('an error', false)
    pass(0)
    expect(workers.length).toBe(3)
    workers[2]!.events.ready()
    workers[0]!.events.ended('exit 1')
    pass(60_000)
    expect([workers.length, supervisor.counts()]).toEqual([3, { workers: 2, restarts: 1, reloads: 0 }])
  })

  test('who leaves as planned is replaced at once, however often', () => {
    const { workers, supervisor } = running()
    for (let i = 0; i < 5; i++) {
      const one = workers.at(-1)!
      one.events.leaving('10 requests are answered', true)
      workers.at(-1)!.events.ready()
      one.events.ended('exit 0')
    }
    expect([workers.length, supervisor.counts().restarts]).toEqual([7, 0])
  })
})

describe('a reload', () => {
  test('replaces one after the other, each when the new one is ready', () => {
    const { workers, kinds, supervisor } = running()
    supervisor.reload()
    expect([workers.length, workers[0]!.orders]).toEqual([3, []])
    workers[2]!.events.ready()
    expect([workers.length, workers[0]!.orders, workers[1]!.orders]).toEqual([4, ['drain 60000 60000'], []])
    workers[3]!.events.ready()
    expect(workers[1]!.orders).toEqual(['drain 60000 60000'])
    for (const one of workers.slice(0, 2)) one.events.ended('exit 0')
    expect(kinds()).toEqual(['reloading', 'ready', 'ready', 'reloaded'])
    expect(supervisor.counts()).toEqual({ workers: 2, restarts: 0, reloads: 1 })
  })

  test('is abandoned when a new one cannot start, and those before go on', () => {
    const { workers, notes, supervisor } = running()
    supervisor.reload()
    workers[2]!.events.failed('a wrong value')
    workers[2]!.events.ended('exit 1')
    expect(notes.at(-1)).toEqual({ kind: 'reload-abandoned', reason: 'a wrong value' })
    expect([workers.length, workers[0]!.orders, supervisor.counts().workers]).toEqual([3, [], 2])
  })

  test('asked for meanwhile is done once more', () => {
    const { workers, supervisor, kinds } = running()
    supervisor.reload()
    supervisor.reload()
    supervisor.reload()
    for (let i = 2; i < 6; i++) workers[i]!.events.ready()
    expect(workers.length).toBe(6)
    expect(kinds().filter((kind) => kind === 'reloaded').length).toBe(2)
  })

  test('goes on when the one to be replaced dies meanwhile', () => {
    const { workers, supervisor, pass } = running()
    supervisor.reload()
    workers[0]!.events.ended('SIGKILL')
    workers[2]!.events.ready()
    workers[3]!.events.ready()
    pass(20_000)
    expect([workers.length, supervisor.counts()]).toEqual([4, { workers: 2, restarts: 0, reloads: 1 }])
  })

  test('who does not end in its time is killed', () => {
    const { workers, supervisor, pass } = running()
    supervisor.reload()
    workers[2]!.events.ready()
    pass(61_999)
    expect(workers[0]!.orders).toEqual(['drain 60000 60000'])
    pass(1)
    expect(workers[0]!.orders).toEqual(['drain 60000 60000', 'kill'])
  })
})

describe('an end', () => {
  test('lets all finish', async () => {
    const { workers, supervisor, pass } = running()
    supervisor.stop()
    expect(workers.map(({ orders }) => orders)).toEqual([['drain 60000 500'], ['drain 60000 500']])
    for (const { events } of workers) events.ended('exit 0')
    pass(100_000)
    expect([await supervisor.stopped, workers.length]).toEqual([null, 2])
  })

  test('asked for again is sooner', () => {
    const { workers, supervisor, pass } = running()
    supervisor.stop()
    supervisor.stop(0)
    pass(2000)
    expect(workers[0]!.orders).toEqual(['drain 60000 500', 'drain 0 0', 'kill'])
  })

  test('kills who has not started, and starts nobody again', async () => {
    const { workers, supervisor, pass } = running()
    workers[0]!.events.ended('SIGKILL')
    pass(0)
    supervisor.stop()
    expect(workers[2]!.orders).toEqual(['kill'])
    workers[1]!.events.ended('exit 0')
    workers[2]!.events.ended('SIGKILL')
    await supervisor.stopped
    pass(100_000)
    expect(workers.length).toBe(3)
  })
})
