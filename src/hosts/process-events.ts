/** What happens to a process that serves: signals, errors that nobody caught, the end of whoever started it. */

export interface Signals {
  /** The first SIGTERM or SIGINT. */
  readonly stop: () => void
  /** SIGQUIT, or any further SIGTERM or SIGINT. */
  readonly atOnce: () => void
  readonly reload: () => void
  /** SIGUSR1: tells the log how it stands. */
  readonly state: () => void
}

export function onSignals({ stop, atOnce, reload, state }: Signals): void {
  let asked = 0
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => (asked++ === 0 ? stop() : atOnce()))
  process.on('SIGQUIT', atOnce)
  process.on('SIGHUP', reload)
  // left alone, Node would open its debugger
  process.on('SIGUSR1', state)
}

/** What is thrown outside of any request: nobody knows what state it leaves, but requests under way need not suffer. */
export function onUncaught(act: (error: unknown) => void): void {
  process.on('uncaughtException', act)
}

export const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

/** Standard input is a pipe that nobody writes to: it ends when whoever holds the other end does. */
export function onStandardInputEnd(act: () => void): void {
  process.stdin.on('end', act).on('close', act).on('error', act).resume()
}
