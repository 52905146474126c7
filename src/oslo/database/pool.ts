/**
 * Connections to a database server, kept between uses as oslo.db's pool keeps them: some stay open, more are made while they are needed,
 * old ones are replaced. One that broke leaves by itself; one that was idle for a while is asked whether it is alive.
 */
import { ConnectionLost, DatabaseUnavailable } from './errors.ts'

/** A connection as the pool sees it. */
export interface Pooled {
  /** Whether it can be used no more. */
  readonly lost: boolean
  /** Told once when it breaks while nobody uses it. */
  onLost: (() => void) | undefined
  /** Rejects when it is not alive. */
  ping(): Promise<void>
  /** Says goodbye to the server; never rejects. */
  end(): void
}

export interface PoolOptions<C extends Pooled> {
  /** Rejects with DatabaseUnavailable when the server cannot be reached. */
  readonly connect: () => Promise<C>
  /** Connections that stay open when nobody needs them; 0 for no limit, for those in use either. */
  readonly keep: number
  /** Connections beyond those while they are needed; -1 for no limit. */
  readonly overflow: number
  /** How long one beyond those stays when it is free: one request asks for several at once, the next does so again. */
  readonly spareSeconds: number
  readonly waitSeconds: number
  /** Age at which a connection is replaced; -1 for never. */
  readonly recycleSeconds: number
}

export interface Pool<C extends Pooled> {
  /** One that was in use a moment ago, when there is such a one: `take` without waiting. */
  idle(): C | undefined
  /**
   * A connection for the caller alone. ConnectionLost when the server went away a moment ago and may be back soon, DatabaseUnavailable when it
   * has been away for longer or no connection came free in time.
   */
  take(): Promise<C>
  give(connection: C): void
  /** Waits up to `seconds` for those in use, closes all; `take` then rejects. */
  close(seconds: number): Promise<void>
}

/** For so long after the server went away callers may hope for its return; after that they are told at once. */
const hopeMs = 5000
const pingAfterMs = 5000

export function openPool<C extends Pooled>(options: PoolOptions<C>): Pool<C> {
  const { connect, keep, overflow, spareSeconds, waitSeconds, recycleSeconds } = options
  const most = keep === 0 || overflow < 0 ? Number.POSITIVE_INFINITY : keep + overflow
  const kept = keep === 0 ? Number.POSITIVE_INFINITY : keep
  const idle: { connection: C; since: number }[] = []
  const made = new WeakMap<C, number>()
  const waiting = new Set<() => void>()
  let open = 0
  let connecting = 0
  let down: { since: number; error: unknown } | undefined
  let closed: (() => void) | true | undefined
  let trimming: NodeJS.Timeout | undefined

  function drop(connection: C): void {
    open--
    connection.end()
    wake()
  }

  /** Somebody who waits may have another look. */
  function wake(): void {
    const [next] = waiting
    next?.()
    if (open === 0 && typeof closed === 'function') closed()
  }

  /** Those that are free come last in, first out: the first has been free for longest. */
  function trim(): void {
    trimming = undefined
    while (idle.length > kept && performance.now() - idle[0]!.since >= spareSeconds * 1000) {
      const { connection } = idle.shift()!
      connection.onLost = undefined
      drop(connection)
    }
    trimLater()
  }

  function trimLater(): void {
    if (idle.length > kept) trimming ??= setTimeout(trim, spareSeconds * 1000).unref()
  }

  function usable(connection: C): boolean {
    const tooOld = recycleSeconds >= 0 && performance.now() - made.get(connection)! > recycleSeconds * 1000
    return !connection.lost && !tooOld
  }

  /** One that is free and alive. */
  async function free(): Promise<C | undefined> {
    for (let found = idle.pop(); found; found = idle.pop()) {
      const { connection, since } = found
      connection.onLost = undefined
      if (usable(connection) && (performance.now() - since < pingAfterMs || (await alive(connection)))) return connection
      drop(connection)
    }
    return undefined
  }

  function recent(): C | undefined {
    const last = idle.at(-1)
    if (closed || !last || performance.now() - last.since >= pingAfterMs || !usable(last.connection)) return undefined
    idle.pop()
    last.connection.onLost = undefined
    return last.connection
  }

  async function another(): Promise<C> {
    // While the server is known to be away, one caller finds out whether it is back; others need not wait for that
    if (down && performance.now() - down.since > hopeMs && connecting > 0) throw unavailable(down.error)
    open++
    connecting++
    try {
      const connection = await connect()
      made.set(connection, performance.now())
      down = undefined
      return connection
    } catch (error) {
      open--
      if (!(error instanceof DatabaseUnavailable)) throw error
      down = { since: down?.since ?? performance.now(), error }
      throw performance.now() - down.since < hopeMs ? new ConnectionLost(error.message, { cause: error }) : error
    } finally {
      connecting--
      if (open < most) wake()
    }
  }

  async function take(): Promise<C> {
    const end = performance.now() + waitSeconds * 1000
    for (;;) {
      if (closed) throw new DatabaseUnavailable('the database is closed')
      const connection = await free()
      if (connection) return connection
      if (open < most) return another()
      // One may have come back while `free` was looking
      if (idle.length === 0) await turn(end)
    }
  }

  function turn(end: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = () => {
        clearTimeout(timer)
        waiting.delete(next)
        resolve()
      }
      const late = () => {
        waiting.delete(next)
        reject(
          new DatabaseUnavailable(
            `none of ${most} connections came free within ${waitSeconds} s (max_pool_size, max_overflow, pool_timeout)`,
          ),
        )
      }
      const timer = setTimeout(late, Math.max(0, end - performance.now()))
      waiting.add(next)
    })
  }

  return {
    idle: recent,
    take,
    give(connection) {
      if (closed || connection.lost) return drop(connection)
      const entry = { connection, since: performance.now() }
      connection.onLost = () => {
        const at = idle.indexOf(entry)
        if (at < 0) return
        idle.splice(at, 1)
        drop(connection)
      }
      idle.push(entry)
      trimLater()
      wake()
    },
    async close(seconds) {
      if (closed) return
      closed = true
      clearTimeout(trimming)
      for (const { connection } of idle.splice(0)) drop(connection)
      for (const next of waiting) next()
      if (open === 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, seconds * 1000)
        closed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}

const unavailable = (cause: unknown) => new DatabaseUnavailable(cause instanceof Error ? cause.message : String(cause), { cause })

const alive = (connection: Pooled): Promise<boolean> =>
  connection.ping().then(
    () => true,
    () => false,
  )
