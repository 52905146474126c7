/** Starts `nova-ts host` for tests, as an operator would. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')
export const echoModule = join(import.meta.dirname, 'echo.ts')

export interface OwnHost {
  readonly child: ChildProcess
  readonly pid: number
  /** Everything that it has written. */
  output(): string
  /** Resolves when its output matches. Rejects when it ends before, or when it takes too long. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Sends a signal and resolves with the exit status, or the signal's name. */
  end(signal?: NodeJS.Signals): Promise<number | string>
}

export interface OwnOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly stdin?: 'ignore' | 'pipe'
  /** Descriptors that it inherits from 3 on, as from systemd. */
  readonly sockets?: readonly number[]
  readonly cwd?: string
  readonly command?: readonly string[]
}

const running = new Set<ChildProcess>()

/** Ends what tests left behind. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

export function ownHost(
  args: readonly string[],
  { env = {}, stdin = 'ignore', sockets = [], cwd = root, command }: OwnOptions = {},
): OwnHost {
  const [program, ...first] = command ?? [process.execPath, join(root, 'bin', 'nova-ts.js')]
  const child = spawn(program!, [...first, 'host', ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: [stdin, 'pipe', 'pipe', ...sockets],
  })
  running.add(child)
  let text = ''
  const listeners = new Set<() => void>()
  const exited = new Promise<number | string>((resolve) =>
    child.on('close', (code, signal) => {
      running.delete(child)
      resolve(signal ?? code ?? 0)
      for (const listener of listeners) listener()
    }),
  )
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      for (const listener of listeners) listener()
    })
  return {
    child,
    pid: child.pid!,
    output: () => text,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => settle(() => reject(new Error(`it never said ${pattern}: ${text}`))), 45_000)
        const settle = (act: () => void) => {
          clearTimeout(late)
          listeners.delete(look)
          act()
        }
        const look = () => {
          const found = pattern.exec(text)
          if (found) settle(() => resolve(found))
          else if (child.exitCode !== null || child.signalCode !== null) settle(() => reject(new Error(`it ended: ${text}`)))
        }
        listeners.add(look)
        look()
      }),
    end(signal = 'SIGTERM') {
      child.kill(signal)
      return exited
    },
  }
}
