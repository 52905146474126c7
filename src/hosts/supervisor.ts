/**
 * Keeps the workers of a host running: starts again what ends by itself, later each time; replaces all of them one by one, each only when
 * the one in its place is ready; lets them finish when it is told to stop. It knows no process, only what `launch` gives it.
 */
import type { DrainLimits } from './serving.ts'

/** A worker that runs. */
export interface Launched {
  readonly pid: number
  /** Asks it to finish what it does and end. */
  drain(limits: DrainLimits): void
  kill(): void
}

export interface WorkerEvents {
  ready(): void
  /** What it said that keeps it from serving; it ends after that. */
  failed(reason: string): void
  /** It takes no more requests and ends when it has answered those it has. `planned` when nothing went wrong. */
  leaving(reason: string, planned: boolean): void
  /** It is gone: an exit code or the name of a signal. */
  ended(how: string): void
}

export interface Timers {
  /** In milliseconds; never goes back. */
  now(): number
  /** Returns what cancels it. */
  after(ms: number, act: () => void): () => void
}

export type Note =
  | { readonly kind: 'ready'; readonly worker: number; readonly pid: number; readonly ms: number }
  /** All are ready for the first time. */
  | { readonly kind: 'up' }
  /** One could not start at first: all are being stopped. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'leaving'; readonly worker: number; readonly pid: number; readonly reason: string }
  | { readonly kind: 'ended'; readonly worker: number; readonly how: string; readonly againInMs: number }
  | { readonly kind: 'reloading' }
  | { readonly kind: 'reloaded'; readonly ms: number }
  /** A new worker could not start: those before go on. */
  | { readonly kind: 'reload-abandoned'; readonly reason: string }

export interface SupervisorParts {
  readonly count: number
  /** Workers are numbered from 1. */
  readonly launch: (worker: number, events: WorkerEvents) => Launched
  readonly timers: Timers
  readonly note: (note: Note) => void
  readonly drainMs: number
}

export interface Supervisor {
  readonly counts: () => { workers: number; restarts: number; reloads: number }
  /** The workers that serve. */
  serving(): Launched[]
  /** Replaces every worker; asked again meanwhile, it does so once more. */
  reload(): void
  /** Lets all finish. May be called again, with less time. */
  stop(drainMs?: number): void
  /** Resolves when everything has been stopped; with the reason when nothing could be started. */
  readonly stopped: Promise<string | null>
}

/** The first new start is at once; then waits double from the first to the last. */
const firstWaitMs = 100
const lastWaitMs = 10_000
/** Who served for so long is started again at once. */
const steadyMs = 30_000
/** When everything stops, a connection on which nothing is asked is kept so long for a request that is on its way. */
const stopIdleMs = 500
/** What a worker that drains may take longer than it was given. */
const graceMs = 2000

interface Member {
  readonly launched: Launched
  readonly slot: Slot
  readonly startedAt: number
  state: 'starting' | 'serving' | 'leaving'
  reason: string | null
  cancelKill: (() => void) | null
}

interface Slot {
  readonly worker: number
  current: Member | null
  /** Takes the place of `current` when it is ready. */
  next: Member | null
  stumbles: number
  cancelWait: (() => void) | null
}

export function superviseWorkers({ count, launch, timers, note, drainMs }: SupervisorParts): Supervisor {
  const slots = Array.from(
    { length: count },
    (_, index): Slot => ({ worker: index + 1, current: null, next: null, stumbles: 0, cancelWait: null }),
  )
  const members = new Set<Member>()
  const { promise: stopped, resolve: tellStopped } = Promise.withResolvers<string | null>()
  let up = false
  let stopping = false
  let refusal: string | null = null
  let restarts = 0
  let reloads = 0
  let reloading: { readonly since: number; readonly left: Slot[] } | null = null
  let again = false

  function start(slot: Slot): Member {
    slot.cancelWait = null
    let member: Member | undefined
    // events come later than this call returns
    const launched = launch(slot.worker, {
      ready: () => ready(member!),
      failed: (reason) => {
        member!.reason = reason
      },
      leaving: (reason, planned) => leaving(member!, reason, planned),
      ended: (how) => ended(member!, how),
    })
    member = { launched, slot, startedAt: timers.now(), state: 'starting', reason: null, cancelKill: null }
    members.add(member)
    return member
  }

  function ready(member: Member): void {
    if (stopping || member.state !== 'starting') return
    member.state = 'serving'
    const { slot } = member
    note({ kind: 'ready', worker: slot.worker, pid: member.launched.pid, ms: timers.now() - member.startedAt })
    if (slot.next === member) {
      const before = slot.current
      slot.current = member
      slot.next = null
      if (before) drain(before, { totalMs: drainMs, idleMs: drainMs })
      reloadNext()
    }
    if (up || !slots.every(({ current }) => current?.state === 'serving')) return
    up = true
    note({ kind: 'up' })
  }

  function leaving(member: Member, reason: string, planned: boolean): void {
    if (stopping || member.state === 'leaving') return
    const { slot } = member
    note({ kind: 'leaving', worker: slot.worker, pid: member.launched.pid, reason })
    member.state = 'leaving'
    if (slot.current !== member) return
    slot.current = null
    if (slot.next) return
    if (planned) slot.current = start(slot)
    else restart(member, reason)
  }

  function ended(member: Member, how: string): void {
    members.delete(member)
    member.cancelKill?.()
    const { slot } = member
    const reason = member.reason ?? how
    if (slot.next === member) {
      slot.next = null
      if (!stopping) abandonReload(reason)
      // the old one may have gone meanwhile
      if (!stopping && slot.current === null && slot.cancelWait === null) restart(member, reason)
    } else if (slot.current === member) {
      slot.current = null
      if (!stopping && !up && member.state === 'starting') {
        refusal = reason
        note({ kind: 'refused', reason })
        stop(0)
      } else if (!stopping && !slot.next) restart(member, reason)
    }
    if (stopping && members.size === 0) tellStopped(refusal)
  }

  function restart({ slot, startedAt }: Member, how: string): void {
    slot.stumbles = timers.now() - startedAt >= steadyMs ? 1 : slot.stumbles + 1
    const againInMs = slot.stumbles === 1 ? 0 : Math.min(lastWaitMs, firstWaitMs * 2 ** (slot.stumbles - 2))
    restarts++
    note({ kind: 'ended', worker: slot.worker, how, againInMs })
    slot.cancelWait = timers.after(againInMs, () => {
      slot.current = start(slot)
    })
  }

  function drain(member: Member, limits: DrainLimits): void {
    member.state = 'leaving'
    member.launched.drain(limits)
    member.cancelKill?.()
    member.cancelKill = timers.after(limits.totalMs + graceMs, () => member.launched.kill())
  }

  function reload(): void {
    if (stopping) return
    if (reloading) {
      again = true
      return
    }
    reloading = { since: timers.now(), left: [...slots] }
    note({ kind: 'reloading' })
    reloadNext()
  }

  function reloadNext(): void {
    if (!reloading) return
    const slot = reloading.left.shift()
    if (!slot) {
      reloads++
      note({ kind: 'reloaded', ms: timers.now() - reloading.since })
      endReload()
      return
    }
    // one that waits to be started, or starts, will have read everything anew
    slot.stumbles = 0
    if (slot.cancelWait) {
      slot.cancelWait()
      slot.cancelWait = null
    }
    slot.next = start(slot)
  }

  function abandonReload(reason: string): void {
    if (!reloading) return
    note({ kind: 'reload-abandoned', reason })
    endReload()
  }

  function endReload(): void {
    reloading = null
    if (!again) return
    again = false
    reload()
  }

  function stop(ms = drainMs): void {
    stopping = true
    again = false
    for (const slot of slots) slot.cancelWait?.()
    for (const member of members)
      if (member.state === 'starting') member.launched.kill()
      else drain(member, { totalMs: ms, idleMs: Math.min(ms, stopIdleMs) })
    if (members.size === 0) tellStopped(refusal)
  }

  for (const slot of slots) slot.current = start(slot)
  return {
    counts: () => ({ workers: slots.filter(({ current }) => current?.state === 'serving').length, restarts, reloads }),
    serving: () => [...members].filter(({ state }) => state !== 'starting').map(({ launched }) => launched),
    reload,
    stop,
    stopped,
  }
}
