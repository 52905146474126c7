import { describe, expect, test } from 'vitest'
import { type Events, type Note, type Program, type ProgramStatus, supervise, type Timers } from './supervisor.ts'

const all: Program[] = [
  { name: 'base', stopStep: 1 },
  { name: 'api', stopStep: 0 },
]

/** A clock that moves when it is told to, and processes that do what they are told to. */
function world(programs: readonly Program[] = all) {
  let time = 0
  let timers: { at: number; act: () => void }[] = []
  const clock: Timers = {
    now: () => time,
    after(ms, act) {
      const timer = { at: time + ms, act }
      timers.push(timer)
      return () => {
        timers = timers.filter((one) => one !== timer)
      }
    },
  }
  const running = new Map<string, Events>()
  const starts: string[] = []
  const acts: string[] = []
  const notes: Note[] = []
  const seen: (readonly ProgramStatus[])[] = []
  let obedient = true
  let full = false
  const supervisor = supervise({
    programs,
    timers: clock,
    note: (note) => void notes.push(note),
    changed: (statuses) => {
      if (full) throw new Error('ENOSPC')
      seen.push(statuses)
    },
    patienceMs: 1000,
    launch({ name }, events) {
      starts.push(`${name} at ${time}`)
      running.set(name, events)
      const end = (how: string) => {
        acts.push(`${name} ${how}`)
        if (obedient || how === 'killed') queueMicrotask(() => die(name, how))
      }
      return { pid: starts.length, terminate: () => end('terminated'), kill: () => end('killed') }
    },
  })
  function die(name: string, how = 'SIGKILL') {
    const events = running.get(name)
    running.delete(name)
    events?.ended(how)
  }
  return {
    supervisor,
    starts,
    acts,
    notes,
    seen,
    die,
    ready(...names: string[]) {
      for (const name of names) running.get(name)!.ready()
    },
    say: (name: string, reason: string) => running.get(name)!.failed(reason),
    disobey: () => {
      obedient = false
    },
    fill: (whether: boolean) => {
      full = whether
    },
    pass(ms: number) {
      const end = time + ms
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (!next) break
        timers = timers.filter((one) => one !== next)
        time = next.at
        next.act()
      }
      time = end
    },
    states: () => Object.fromEntries(supervisor.statuses().map(({ name, state }) => [name, state])),
  }
}

test('on a full disk all goes on, and what changed is written down when there is room', async () => {
  const { supervisor, seen, starts, fill, die, pass, ready } = world()
  ready('base', 'api')
  const before = seen.length
  fill(true)
  die('api')
  pass(5000)
  expect([starts.at(-1), seen.length]).toEqual(['api at 100', before])
  ready('api')
  fill(false)
  pass(1000)
  expect(seen.slice(before).map((statuses) => statuses.map(({ state }) => state))).toEqual([['ready', 'ready']])
  pass(5000)
  expect(seen).toHaveLength(before + 1)
  fill(true)
  await supervisor.stop()
  pass(5000)
  expect(seen).toHaveLength(before + 1)
})

describe('the first start', () => {
  test('all are started at once, and it is up when the last is ready', () => {
    const { starts, notes, ready, pass, states } = world()
    expect(starts).toEqual(['base at 0', 'api at 0'])
    pass(40)
    ready('api')
    expect(notes).toEqual([{ kind: 'ready', name: 'api', ms: 40 }])
    expect(states()).toEqual({ base: 'starting', api: 'ready' })
    pass(10)
    ready('base')
    expect(notes.slice(1)).toEqual([{ kind: 'ready', name: 'base', ms: 50 }, { kind: 'up' }])
  })

  test('one that ends before it is ready stops all, and its own words are told', async () => {
    const { supervisor, notes, ready, say, die, states } = world()
    ready('base')
    say('api', 'no such option')
    die('api', 'exit 1')
    await supervisor.stopped
    expect(notes.at(-1)).toEqual({ kind: 'failed', name: 'api', reason: 'no such option' })
    expect(states()).toEqual({ base: 'stopped', api: 'stopped' })
  })

  test('one that ends after it was ready is started again while others still start', () => {
    const { starts, ready, die, pass, notes } = world()
    ready('api')
    die('api')
    pass(100)
    expect(starts.at(-1)).toBe('api at 100')
    ready('api', 'base')
    expect(notes.at(-1)).toEqual({ kind: 'up' })
  })
})

describe('what ends by itself', () => {
  test('is started again, each time after twice as long, up to ten seconds', () => {
    const { notes, ready, die, pass } = world()
    ready('base', 'api')
    for (let time = 0; time < 9; time++) {
      die('api')
      pass(10_000)
      ready('api')
    }
    const waits = notes.flatMap((note) => (note.kind === 'ended' ? [note.againInMs] : []))
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  })

  test('is started again soon when it had run for half a minute', () => {
    const { notes, ready, die, pass } = world()
    ready('base', 'api')
    for (const ran of [0, 29_000, 30_000]) {
      pass(ran)
      die('api')
      pass(1000)
      ready('api')
    }
    const waits = notes.flatMap((note) => (note.kind === 'ended' ? [note.againInMs] : []))
    expect(waits).toEqual([100, 200, 100])
  })

  test('is counted, and shown as waiting', () => {
    const { supervisor, ready, die, seen } = world()
    ready('base', 'api')
    die('api')
    expect(supervisor.statuses()[1]).toMatchObject({ name: 'api', state: 'waiting', pid: null, restarts: 1 })
    expect(seen.at(-1)).toEqual(supervisor.statuses())
  })

  test('is tried again when its second start fails', () => {
    const { starts, ready, die, pass } = world()
    ready('base', 'api')
    die('api')
    pass(100)
    die('api', 'exit 1')
    pass(200)
    expect(starts.slice(2)).toEqual(['api at 100', 'api at 300'])
  })
})

describe('stopping', () => {
  test('goes by steps, and nothing starts again', async () => {
    const { supervisor, starts, acts, ready, pass } = world()
    ready('base', 'api')
    await supervisor.stop()
    await supervisor.stopped
    pass(60_000)
    expect(acts).toEqual(['api terminated', 'base terminated'])
    expect(starts).toHaveLength(2)
  })

  test('does not wait for what is waiting to be started', async () => {
    const { supervisor, starts, ready, die, pass } = world()
    ready('base', 'api')
    die('api')
    await supervisor.stop()
    pass(60_000)
    expect(starts).toHaveLength(2)
  })

  test('ends what does not end when it is asked to', async () => {
    const { supervisor, acts, ready, disobey, pass } = world([all[0]!])
    ready('base')
    disobey()
    const over = supervisor.stop()
    pass(999)
    expect(acts).toEqual(['base terminated'])
    pass(1)
    await over
    expect(acts).toEqual(['base terminated', 'base killed'])
  })
})
