/** How an operation of the volume service is found and run: version, project in the path, action in the body. */
import { header, type Request } from '../../app/contract.ts'
import { withParts } from '../../app/request.ts'
import type { Authenticate, AuthenticatedCall, Routes } from '../service.ts'
import { badRequest, fault } from './faults.ts'
import type { Cinder, VolumeCall } from './state.ts'
import { checked, type Validate } from './validation.ts'
import { minorOf } from './version.ts'

export interface Operation {
  /** The first minor version that has it. */
  readonly since?: number
  /** The shape of the body, by version with the newest first where it changed. */
  readonly body?: Validate | readonly (readonly [since: number, Validate])[]
  /** Without an answer of its own: 202 with nothing in it. */
  // biome-ignore lint/suspicious/noExplicitAny: the shape of the body is the operation's
  readonly run: (call: VolumeCall, body: any) => unknown
}
export type Operations = Readonly<Record<string, Operation>>

export interface Actions {
  /** `POST /volumes/:id/action` */
  readonly [route: string]: Operations
}

/** Keeps the types of a table of operations open to each operation's own body. */
export const operation = <B>(spec: Omit<Operation, 'run'> & { run: (call: VolumeCall, body: B) => unknown }): Operation => spec

/** Routes below /v3, for each operation and for each place where the body names an action. */
export function routesOf(cinder: Cinder, authenticate: Authenticate, operations: Operations, actions: Actions): Routes {
  const answer = (call: AuthenticatedCall, find: () => Operation) => run(cinder, authenticate, call, find)
  const single = Object.entries(operations).map(
    ([route, each]) => [below(route), (call: AuthenticatedCall) => answer(call, () => each)] as const,
  )
  const many = Object.entries(actions).map(([route, table]) => [
    below(route),
    (call: AuthenticatedCall) => answer(call, () => namedAction(table, call.body)),
  ])
  return Object.fromEntries([...single, ...many])
}

const below = (route: string): string => route.replace(' ', ' /v3')

function namedAction(table: Operations, body: unknown): Operation {
  const [name] = typeof body === 'object' && body !== null ? Object.keys(body) : []
  if (name === undefined) throw badRequest('Malformed request body')
  if (!Object.hasOwn(table, name))
    throw badRequest(`There is no such action: ${name}. Verify the request body and Content-Type header and try again.`)
  return table[name]!
}

function run(cinder: Cinder, authenticate: Authenticate, call: AuthenticatedCall, find: () => Operation): unknown {
  const minor = minorOf(call.request)
  const { projectId } = call.caller
  const urlProject = projectInPath(call.request)
  const found = find()
  if (projectId === null || (urlProject !== '' && urlProject !== projectId)) throw badRequest('Malformed request url')
  if (minor < (found.since ?? 0)) throw fault(404, 'The resource could not be found.')
  const body = found.body && checked(shapeAt(found.body, minor), call.body)
  const fromService = async () => {
    const token = header(call.request, 'x-service-token')
    const service = token ? await authenticate(token) : null
    return service?.roles.includes('service') ?? false
  }
  return found.run({ ...call, ...cinder, minor, urlProject, projectId, fromService }, body)
}

const shapeAt = (body: NonNullable<Operation['body']>, minor: number): Validate =>
  typeof body === 'function' ? body : body.find(([since]) => minor >= since)![1]

const projectKey = 'volume.project'
const projectInPath = (request: Request): string => (request.environ[projectKey] as string | undefined) ?? ''

/** Since 3.67 clients leave the project out of the path; it is taken out of it and remembered, whatever the version. */
export function withoutProject(request: Request): Request {
  const [, project, rest] = /^\/v3\/([0-9a-f-]+)(\/.*)$/.exec(request.path) ?? []
  if (project === undefined) return request
  request.environ[projectKey] = project
  return withParts(request, { path: `/v3${rest}` })
}
