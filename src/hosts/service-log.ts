/** What a host says of itself: lines as oslo.log writes them, or JSON; and where its lines go. */
import { type BatchedSink, batched, fileSink, type Sink, streamSink } from '../oslo/log-sink.ts'
import { maskPassword } from '../oslo/mask-password.ts'

export type ServiceLevel = 'INFO' | 'WARNING' | 'ERROR'
export type Say = (level: ServiceLevel, text: string) => void

export interface ServiceLogParts {
  readonly form: 'oslo' | 'json'
  readonly sink: Sink
  readonly pid?: number
  readonly now?: () => Date
}

/** The name that these lines bear. */
const logger = 'nova.host'
const two = (value: number): string => String(value).padStart(2, '0')

export function serviceLog({ form, sink, pid = process.pid, now = () => new Date() }: ServiceLogParts): Say {
  return (level, text) => {
    const at = now()
    const message = maskPassword(text).replaceAll('\n', ' ')
    sink.write(
      form === 'json'
        ? `${JSON.stringify({ timestamp: at.toISOString(), pid, level, logger, message })}\n`
        : `${localTime(at)} ${pid} ${level} ${logger} [-] ${message}\n`,
    )
  }
}

const localTime = (at: Date): string =>
  `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`

export interface HostSinks {
  readonly service: Sink
  readonly access: BatchedSink
}

/** A file takes both; without one the service log goes to standard error and the access log to standard output. Throws when it cannot be opened. */
export function hostSinks(file: string | null, mode: number | null = null): HostSinks {
  const error = streamSink(process.stderr)
  if (file === null) return { service: error, access: batched(streamSink(process.stdout)) }
  const sink = fileSink(file, error, mode)
  return { service: sink, access: batched(sink) }
}
