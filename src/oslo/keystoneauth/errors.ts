/** What can go wrong between us and another service. */
import type { Caller } from './auth.ts'

export type PeerFailure =
  /** No connection, or it broke before the answer was complete. */
  | 'unreachable'
  /** No complete answer in time. */
  | 'timeout'
  /** The connection could not be made safe. */
  | 'tls'
  /** It answered with a status that means no. */
  | 'status'
  /** It answered something that cannot be understood. */
  | 'malformed'
  /** The catalogue does not say where the service is. */
  | 'endpoint'

export interface PeerErrorParts {
  readonly kind: PeerFailure
  readonly service: string
  readonly method?: string
  readonly url?: string
  readonly status?: number
  /** What it answered; kept for callers, never part of the text. */
  readonly body?: Uint8Array
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>
  readonly cause?: unknown
  /** With whose token it was asked, when that was not our own. */
  readonly caller?: Caller | undefined
}

/** A request to another service failed. The text names the service and what happened; it holds no token and no body. */
export class PeerError extends Error {
  override readonly name = 'PeerError'
  readonly kind: PeerFailure
  /** The type of the service, or its host where that is not known. */
  readonly service: string
  readonly method: string | undefined
  readonly url: string | undefined
  readonly status: number | undefined
  readonly body: Uint8Array | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly caller: Caller | undefined
  constructor(text: string, { kind, service, method, url, status, body, headers = {}, cause, caller }: PeerErrorParts) {
    super(text, { cause })
    this.kind = kind
    this.service = service
    this.method = method
    this.url = url
    this.status = status
    this.body = body
    this.headers = headers
    this.caller = caller
  }

  /** The body as text. */
  get text(): string {
    return Buffer.from(this.body ?? []).toString()
  }
}

/** Whether the service answered with this status, which some callers treat as an answer like any other. */
export const isStatus = (error: unknown, ...statuses: readonly number[]): error is PeerError =>
  error instanceof PeerError && error.status !== undefined && statuses.includes(error.status)
