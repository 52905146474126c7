/** Errors that cross the wire: a method that failed is answered with its error's class, module, message and arguments. */

export interface RemoteErrorParts {
  /** Of the exception, without its module: `InstanceNotFound`. */
  readonly className: string
  /** `nova.exception`, `builtins` … */
  readonly module: string
  readonly message: string
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
  /** Lines of the other side's traceback; for the log alone. */
  readonly trace?: readonly string[]
}

/**
 * The error of a method that ran elsewhere. A method throws one itself to say which class its caller shall see:
 *
 *     throw new RemoteError({ className: 'InstanceNotFound', module: 'nova.exception', message: '…', kwargs: { instance_id } })
 */
export class RemoteError extends Error {
  override readonly name = 'RemoteError'
  readonly className: string
  readonly module: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly trace: readonly string[]
  constructor({ className, module, message, args = [message], kwargs = {}, trace = [] }: RemoteErrorParts) {
    super(message)
    this.className = className
    this.module = module
    this.args = args
    this.kwargs = kwargs
    this.trace = trace
  }
}

/** Whether an error came from another service and is of one of these classes. */
export const isRemote = (error: unknown, ...classNames: string[]): error is RemoteError =>
  error instanceof RemoteError && classNames.includes(error.className)

/** oslo_messaging/rpc/dispatcher.py NoSuchMethod */
export const noSuchMethod = (method: string): RemoteError =>
  new RemoteError({
    className: 'NoSuchMethod',
    module: 'oslo_messaging.rpc.dispatcher',
    message: `Endpoint does not support RPC method ${method}`,
  })

/** oslo_messaging/rpc/dispatcher.py UnsupportedVersion */
export const unsupportedVersion = (version: string, method: string): RemoteError =>
  new RemoteError({
    className: 'UnsupportedVersion',
    module: 'oslo_messaging.rpc.dispatcher',
    message: `Endpoint does not support RPC version ${version}. Attempted method: ${method}`,
  })

/** The JSON text of a failure. Our own errors go out under their name, as Python's built-in exceptions do, and without their stack. */
export function failureToWire(error: unknown): string {
  const remote = error instanceof RemoteError ? error : unforeseen(error)
  return JSON.stringify({
    class: remote.className,
    module: remote.module,
    message: remote.message,
    tb: remote.trace,
    args: remote.args,
    kwargs: remote.kwargs,
  })
}

/** The error that a failure tells of; one that cannot be read is an error of class `RemoteError`. */
export function failureFromWire(text: unknown): RemoteError {
  const parts = parse(text)
  const { args, kwargs, tb } = parts
  return new RemoteError({
    className: typeof parts.class === 'string' ? parts.class : 'RemoteError',
    module: typeof parts.module === 'string' ? parts.module : 'oslo_messaging.rpc.client',
    message: typeof parts.message === 'string' ? parts.message : 'a failure that cannot be read',
    ...(Array.isArray(args) ? { args } : {}),
    ...(typeof kwargs === 'object' && kwargs !== null ? { kwargs: kwargs as Record<string, unknown> } : {}),
    ...(Array.isArray(tb) ? { trace: tb.map(String) } : {}),
  })
}

function unforeseen(error: unknown): RemoteError {
  const { name, message } = error instanceof Error ? error : { name: 'Exception', message: String(error) }
  return new RemoteError({ className: name, module: 'builtins', message })
}

function parse(text: unknown): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(String(text))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
