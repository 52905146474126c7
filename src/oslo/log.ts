/**
 * Logging as oslo.log does it: named loggers, levels, the lines that log pipelines parse.
 *
 *     const logs = openLogs({ settings: settings(logOptions, sources), prog: 'nova-api-os-compute' })
 *     logs.named('nova.api.openstack.requestlog').info('…', { context })
 */
import { join } from 'node:path'
import { ConfigError } from './config/error.ts'
import { type Details, type Level, lineFormat } from './log-format.ts'
import { type LogSettings, unsupported } from './log-options.ts'
import { batched, fileSink, type Sink, streamSink } from './log-sink.ts'

export type { Details, LogContext } from './log-format.ts'
export { type LogSettings, logOptions } from './log-options.ts'
export type { Sink } from './log-sink.ts'

/** What code that logs is given. */
export interface Log {
  debug(message: string, details?: Details): void
  info(message: string, details?: Details): void
  warning(message: string, details?: Details): void
  error(message: string, details?: Details): void
}

export interface Logs {
  /** The logger of a name; names are those of Nova's modules, so that filters on them go on working. */
  named(name: string): Log
  /** Takes over what is mutable, the level, after SIGHUP. */
  configure(settings: Pick<LogSettings, 'debug'>): void
  /** Writes what is still held back. */
  flush(): void
}

export interface LogRequest {
  readonly settings: LogSettings
  /** Names the file when only a directory is set. */
  readonly prog: string
  /** Takes the lines at once instead of the file or stream that the settings name. */
  readonly sink?: Sink
  readonly now?: () => Date
  readonly pid?: number
}

/** Opens the log. Throws `ConfigError` when the file cannot be opened or a level is unknown. */
export function openLogs({ settings, prog, sink, now = () => new Date(), pid = process.pid }: LogRequest): Logs {
  const out = sink ? { write: (text: string) => sink.write(text), flush: () => undefined } : batched(openSink(settings, prog))
  const render = lineFormat(settings, pid)
  const levels = levelsOf(settings.levels)
  const loggers = new Map<string, Logger>()
  let root: number = settings.debug ? ranks.DEBUG : ranks.INFO

  const emit = (name: string, level: Level, message: string, details: Details | undefined) =>
    out.write(render({ time: now(), level, name, message, context: details?.context, error: details?.error, instance: details?.instance }))

  const named = (name: string): Log => {
    let logger = loggers.get(name)
    if (!logger) loggers.set(name, (logger = new Logger(name, thresholdOf(name, levels) ?? root, emit)))
    return logger
  }
  for (const sentence of unsupported(settings)) named('oslo_log').warning(sentence)
  return {
    named,
    flush: () => out.flush(),
    configure({ debug }) {
      root = debug ? ranks.DEBUG : ranks.INFO
      for (const [name, logger] of loggers) logger.threshold = thresholdOf(name, levels) ?? root
    },
  }
}

/** A log that keeps nothing. */
export const silent: Log = { debug: () => undefined, info: () => undefined, warning: () => undefined, error: () => undefined }

/** Python's numbers of the levels. */
const ranks = { DEBUG: 10, INFO: 20, WARNING: 30, ERROR: 40 } as const
const rankNames: Readonly<Record<string, number>> = { ...ranks, TRACE: 5, WARN: 30, CRITICAL: 50, FATAL: 50 }

class Logger implements Log {
  readonly name: string
  /** Lines below it are dropped; changes with `configure`. */
  threshold: number
  readonly #emit: (name: string, level: Level, message: string, details: Details | undefined) => void
  constructor(name: string, threshold: number, emit: (name: string, level: Level, message: string, details: Details | undefined) => void) {
    this.name = name
    this.threshold = threshold
    this.#emit = emit
  }
  debug(message: string, details?: Details): void {
    if (this.threshold <= ranks.DEBUG) this.#emit(this.name, 'DEBUG', message, details)
  }
  info(message: string, details?: Details): void {
    if (this.threshold <= ranks.INFO) this.#emit(this.name, 'INFO', message, details)
  }
  warning(message: string, details?: Details): void {
    if (this.threshold <= ranks.WARNING) this.#emit(this.name, 'WARNING', message, details)
  }
  error(message: string, details?: Details): void {
    if (this.threshold <= ranks.ERROR) this.#emit(this.name, 'ERROR', message, details)
  }
}

function levelsOf(pairs: readonly string[]): Map<string, number> {
  return new Map(
    pairs.map((pair) => {
      const [name, level] = pair.split('=', 2)
      const rank = rankNames[(level ?? '').trim().toUpperCase()]
      if (rank === undefined)
        throw new ConfigError(`'${pair}' is not a pair name=LEVEL with a known level`, { option: '[DEFAULT] default_log_levels' })
      return [name!.trim(), rank]
    }),
  )
}

/** The level set for a name, or for the nearest name above it: `a.b` stands above `a.b.c`. */
function thresholdOf(name: string, levels: ReadonlyMap<string, number>): number | undefined {
  for (let prefix = name; prefix !== ''; prefix = prefix.slice(0, Math.max(0, prefix.lastIndexOf('.')))) {
    const level = levels.get(prefix)
    if (level !== undefined) return level
  }
  return undefined
}

/** oslo_log/log.py _setup_logging_from_conf: a file, standard error, both, or standard output when neither was asked for. */
function openSink(settings: LogSettings, prog: string): Sink {
  const error = streamSink(process.stderr)
  const path = pathOf(settings, prog)
  if (path === undefined) return settings.useStderr ? error : streamSink(process.stdout)
  let file: Sink
  try {
    file = fileSink(path, error)
  } catch (cause) {
    throw new ConfigError(`the log file ${path} cannot be opened: ${(cause as Error).message}`, { option: '[DEFAULT] log_file', cause })
  }
  if (!settings.useStderr) return file
  return {
    write(text) {
      file.write(text)
      error.write(text)
    },
  }
}

function pathOf({ logFile, logDir }: LogSettings, prog: string): string | undefined {
  if (logFile) return logDir ? (logFile.startsWith('/') ? logFile : join(logDir, logFile)) : logFile
  return logDir ? join(logDir, `${prog}.log`) : undefined
}
