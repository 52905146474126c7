/**
 * Keeps the processes of a cloud running: starts all of them at once, starts again what ends by itself, later each time, and stops them in
 * order. It knows no process, only what `launch` gives it.
 */

export interface Program {
  readonly name: string
  /** Stopped in this order, those of one step together. */
  readonly stopStep: number
}

/** A process that runs. */
export interface Launched {
  readonly pid: number
  /** Asks it to end. */
  terminate(): void
  /** Ends it. */
  kill(): void
}

export interface Events {
  ready(): void
  /** What it said that keeps it from serving; it ends after that. */
  failed(reason: string): void
  /** It is gone: an exit code or the name of a signal. */
  ended(how: string): void
}

export interface Timers {
  now(): number
  /** Returns what cancels it. */
  after(ms: number, act: () => void): () => void
}

export interface ProgramStatus {
  readonly name: string
  readonly state: 'starting' | 'ready' | 'waiting' | 'stopped'
  readonly pid: number | null
  readonly restarts: number
  readonly at: number
}

export type Note =
  | { readonly kind: 'ready'; readonly name: string; readonly ms: number }
  /** All are ready for the first time. */
  | { readonly kind: 'up' }
  /** One ended before it was ready, in the first start: all are being stopped. */
  | { readonly kind: 'failed'; readonly name: string; readonly reason: string }
  | { readonly kind: 'ended'; readonly name: string; readonly how: string; readonly againInMs: number }

export interface SupervisorParts {
  readonly programs: readonly Program[]
  readonly launch: (program: Program, events: Events) => Launched
  readonly timers: Timers
  /** Told of what happens. */
  readonly note: (note: Note) => void
  /** Told of every change, to write it down; told again until it does not throw. */
  readonly changed: (statuses: readonly ProgramStatus[]) => void
  /** How long a process may take to end when it is asked to. */
  readonly patienceMs?: number
}

export interface Supervisor {
  statuses(): readonly ProgramStatus[]
  /** Stops everything. May be called more than once. */
  stop(): Promise<void>
  /** Resolves when everything has been stopped, by `stop` or because the first start failed. */
  readonly stopped: Promise<void>
}

/** Waits before the next start: they double from the first to the last. */
const firstWaitMs = 100
const lastWaitMs = 10_000
/** Until a change that could not be written down is told again. */
const tellAgainMs = 1000
/** Who ran for so long is started again at the first wait. */
const steadyMs = 30_000

interface Watched {
  readonly program: Program
  state: ProgramStatus['state']
  launched: Launched | null
  restarts: number
  /** Ends in a row, none of which came after a steady run. */
  stumbles: number
  at: number
  startedAt: number
  reason: string | null
  cancelWait: (() => void) | null
  gone: Promise<void>
}

export function supervise({ programs, launch, timers, note, changed, patienceMs = 5000 }: SupervisorParts): Supervisor {
  const watched = programs.map((program): Watched => {
    const at = timers.now()
    return {
      program,
      state: 'waiting',
      launched: null,
      restarts: 0,
      stumbles: 0,
      at,
      startedAt: at,
      reason: null,
      cancelWait: null,
      gone: Promise.resolve(),
    }
  })
  const { promise: stopped, resolve: tellStopped } = Promise.withResolvers<void>()
  let up = false
  let cancelTelling = (): void => undefined
  let stopping: Promise<void> | undefined

  const statuses = () =>
    watched.map(
      ({ program, state, launched, restarts, at }): ProgramStatus => ({
        name: program.name,
        state,
        pid: launched?.pid ?? null,
        restarts,
        at,
      }),
    )

  function become(one: Watched, state: Watched['state']): void {
    one.state = state
    one.at = timers.now()
    tellChange()
  }

  /** A disk that is full now must not take the cloud along: it is written down when there is room again. */
  function tellChange(): void {
    cancelTelling()
    try {
      changed(statuses())
    } catch {
      if (watched.some(({ state }) => state !== 'stopped')) cancelTelling = timers.after(tellAgainMs, tellChange)
    }
  }

  function start(one: Watched): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    one.cancelWait = null
    one.reason = null
    one.startedAt = timers.now()
    one.gone = promise
    one.launched = launch(one.program, {
      ready: () => ready(one),
      failed: (reason) => {
        one.reason = reason
      },
      ended: (how) => {
        one.launched = null
        resolve()
        ended(one, how)
      },
    })
    become(one, 'starting')
  }

  function ready(one: Watched): void {
    if (stopping || !one.launched) return
    become(one, 'ready')
    note({ kind: 'ready', name: one.program.name, ms: one.at - one.startedAt })
    if (up || !watched.every(({ state }) => state === 'ready')) return
    up = true
    note({ kind: 'up' })
  }

  function ended(one: Watched, how: string): void {
    if (stopping) {
      become(one, 'stopped')
      return
    }
    const reason = one.reason ?? how
    if (!up && one.state === 'starting') {
      note({ kind: 'failed', name: one.program.name, reason })
      become(one, 'stopped')
      void stop()
      return
    }
    one.stumbles = timers.now() - one.startedAt >= steadyMs ? 0 : one.stumbles + 1
    const againInMs = Math.min(lastWaitMs, firstWaitMs * 2 ** Math.max(0, one.stumbles - 1))
    one.restarts++
    one.cancelWait = timers.after(againInMs, () => start(one))
    note({ kind: 'ended', name: one.program.name, how: reason, againInMs })
    become(one, 'waiting')
  }

  async function stopOne(one: Watched): Promise<void> {
    one.cancelWait?.()
    if (!one.launched) return become(one, 'stopped')
    one.launched.terminate()
    const cancel = timers.after(patienceMs, () => one.launched?.kill())
    await one.gone
    cancel()
  }

  async function stopAll(): Promise<void> {
    const steps = [...new Set(programs.map(({ stopStep }) => stopStep))].sort((a, b) => a - b)
    for (const one of watched) one.cancelWait?.()
    for (const step of steps) await Promise.all(watched.filter(({ program }) => program.stopStep === step).map(stopOne))
    tellStopped()
  }

  function stop(): Promise<void> {
    stopping ??= stopAll()
    return stopping
  }

  for (const one of watched) start(one)
  return { statuses, stop, stopped }
}
