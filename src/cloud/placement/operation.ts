/** What every operation of the placement service shares: its span of versions, what it accepts, who may, and the headers of its answer. */
import { header } from '../../app/contract.ts'
import { type AuthenticatedCall, type Clock, type Ids, type Reply, type Routes, reply, ServiceError } from '../service.ts'
import { fault, notFound } from './faults.ts'
import { enforce } from './rules.ts'
import { check, type Validate } from './schemas.ts'
import type { Provider, Store } from './store.ts'
import { minorOf, newestMinor } from './version.ts'

export interface Placement {
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
}

export interface PlacementCall extends AuthenticatedCall, Placement {
  readonly minor: number
  /** The JSON of the body; 400 when it is none or not of this shape. */
  json<T>(validate: Validate): T
}

export interface Operation {
  readonly since?: number
  readonly until?: number
  /** The status outside of the span: 404 or 405. */
  readonly outside?: number
  /** `placement:traits:list`; left out where the operation asks by itself. */
  readonly rule?: string
  /** Whether a body of JSON must come. */
  readonly body?: boolean
  /** Whether JSON comes back, so that the client has to accept it. */
  readonly answers?: boolean
  readonly run: (call: PlacementCall) => unknown
}

/** Routes of operations; a list of operations is told apart by their spans. */
export const routesOf = (placement: Placement, table: Readonly<Record<string, Operation | readonly Operation[]>>): Routes =>
  Object.fromEntries(
    Object.entries(table).map(([route, each]) => [route, (call: AuthenticatedCall) => run(placement, [each].flat(), call)]),
  )

function run(placement: Placement, operations: readonly Operation[], call: AuthenticatedCall): unknown {
  const minor = minorOf(call.request)
  requireType(call)
  const operation = operations.find(({ since = 0, until = newestMinor }) => minor >= since && minor <= until)
  if (!operation) throw new ServiceError(operations[0]!.outside ?? 404, 'The resource could not be found.')
  if (operation.answers) requireAcceptance(call)
  if (operation.body) requireJson(call)
  if (operation.rule) enforce(operation.rule, call.caller)
  return operation.run({ ...call, ...placement, minor, json: (validate) => parsed(call.body, validate) })
}

function requireType({ request }: AuthenticatedCall): void {
  if (Number(header(request, 'content-length') ?? 0) > 0 && !header(request, 'content-type'))
    throw fault(400, 'content-type header required when content-length > 0')
}

function requireAcceptance({ request }: AuthenticatedCall): void {
  const accept = header(request, 'accept')
  if (accept && !/(^|,)\s*(\*\/\*|application\/(\*|json))\s*(;|,|$)/.test(accept)) throw fault(406, 'Only application/json is provided')
}

function requireJson({ request }: AuthenticatedCall): void {
  const [type = ''] = (header(request, 'content-type') ?? 'None').split(/\s*;/)
  if (type !== 'application/json') throw fault(415, `The media type ${type} is not supported, use application/json`)
}

function parsed<T>(body: unknown, validate: Validate): T {
  let value: unknown
  try {
    value = JSON.parse(body as string)
  } catch (error) {
    throw fault(400, `Malformed JSON: ${(error as Error).message}`)
  }
  return check<T>(validate, value, 'JSON does not validate')
}

/** An answer of which caches are told, from 1.15, when it last changed; now, unless `changed` says more. */
export function told(
  { minor, clock }: PlacementCall,
  body: unknown,
  { status = 200, changed = clock.now(), headers = [] }: Told = {},
): Reply {
  return reply(status, body, [
    ...(minor >= 15
      ? ([
          ['Last-Modified', new Date(changed).toUTCString()],
          ['Cache-Control', 'no-cache'],
        ] as [string, string][])
      : []),
    ...headers,
  ])
}

interface Told {
  readonly status?: number
  /** Milliseconds. */
  readonly changed?: number
  readonly headers?: [string, string][]
}

export const latest = (times: readonly number[], now: number): number => (times.length > 0 ? Math.max(...times) : now)

export const noProvider = (uuid: string): string => `No resource provider with uuid ${uuid} found`

/** The provider of the path; 404. */
export function providerOf({ store, params }: PlacementCall, told: (uuid: string) => string = noProvider): Provider {
  const found = store.providers.get(params.uuid!)
  if (!found) throw notFound(told(params.uuid!))
  return found
}
