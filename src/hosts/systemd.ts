/** What systemd tells a service, and what a service tells systemd. */
import { spawn } from 'node:child_process'

type Environment = Readonly<Record<string, string | undefined>>

/** How many sockets were handed over to this process, from descriptor 3 on (sd_listen_fds). */
export function inheritedSockets(env: Environment, pid = process.pid): number {
  if (env.LISTEN_PID !== undefined && Number(env.LISTEN_PID) !== pid) return 0
  const count = Number(env.LISTEN_FDS ?? 0)
  return Number.isInteger(count) && count > 0 ? count : 0
}

export interface Notifier {
  ready(status: string): void
  reloading(): void
  stopping(): void
}

/**
 * Speaks to the socket that NOTIFY_SOCKET names, through systemd's own command, since Node has no UNIX datagrams: a unit needs
 * `NotifyAccess=all`. Failures are told once and do not stop anything.
 */
export function systemdNotifier(env: Environment, say: (text: string) => void): Notifier {
  if (!env.NOTIFY_SOCKET) return { ready: () => undefined, reloading: () => undefined, stopping: () => undefined }
  let complained = false
  const complain = (text: string) => {
    if (!complained) say(`systemd was not told: ${text}`)
    complained = true
  }
  const tell = (...words: string[]) => {
    const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...words], { stdio: 'ignore', env: { ...env } as NodeJS.ProcessEnv })
    child.on('error', (error) => complain(error.message))
    child.on('exit', (code) => code !== 0 && complain(`systemd-notify ended with ${code}`))
    child.unref()
  }
  return {
    ready: (status) => tell('--ready', `--status=${status}`),
    reloading: () => tell('RELOADING=1'),
    stopping: () => tell('STOPPING=1'),
  }
}
