/**
 * One operation of the API: its life, what it takes, who may call it, what it answers and how it runs. A resource is a table of routes to operations:
 *
 *     export const keypairs = resource({
 *       'GET /os-keypairs': op({ query: pages, rule: 'os_compute_api:os-keypairs:index', reply: many('keypairs', brief), run: list }),
 *     })
 *
 * The key of a server action names it after the route: `'POST /servers/:id/action os-stop'`.
 */
import type { Request } from '../../app/contract.ts'
import type { Backends } from '../../compute/backends.ts'
import { Fault, type FaultKind } from '../../compute/faults.ts'
import type { RequestContext } from '../../oslo/context.ts'
import type { RuleName } from '../policies.ts'
import type { View } from './fields.ts'
import type { Microversion, Minor } from './history.ts'
import type { Schema, Shapes } from './shape.ts'
import { always, from, type Span, upTo } from './span.ts'

/** What every step of an operation is given. */
export interface Call {
  readonly backends: Backends
  readonly context: RequestContext
  /** For the few operations that look at the request itself. */
  readonly request: Request
  /** On the /v2 endpoint, which has no microversions. */
  readonly legacy: boolean
  readonly params: Readonly<Record<string, string>>
  /** Whether the request's microversion is this one or newer. */
  at(version: Microversion): boolean
  /** Whether a rule holds for the caller; without a target, for the caller's own project. */
  can(rule: RuleName, target?: Target): boolean
  /** Refuses the call with 403 unless the rule holds. */
  authorize(rule: RuleName, target?: Target): void
}

/** Whose resource a rule is asked about. */
export type Target = Readonly<Record<string, unknown>>

/** Something that belongs to somebody: the default target of the operation's rule. */
export interface Owned {
  readonly projectId: string | null
  readonly userId?: string | null
}

export interface Given<B, Q, M> {
  readonly body: B
  readonly query: Q
  /** What `load` found. */
  readonly member: M
}

/** How an answer is made of what `run` returns. */
export type Reply<Out> = One<Out> | Many<Out> | Plain | Nothing

interface One<Out> {
  readonly kind: 'one'
  readonly key: string
  readonly view: View<Out, never>
}
interface Many<Out> {
  readonly kind: 'many'
  readonly key: string
  readonly view: View<Out extends readonly (infer R)[] ? R : never, never>
  readonly options: ManyOptions<Out extends readonly (infer R)[] ? R : never>
}
interface ManyOptions<R> {
  /** Wraps each item: `{ keypairs: [{ keypair: … }] }`. */
  readonly each?: string
  /** Adds `<key>_links`, or what `key` says, with the next page when this one is full. */
  readonly next?: {
    readonly collection: string
    readonly since?: Microversion
    readonly marker: (row: R) => string
    readonly key?: string
  }
}
interface Plain {
  readonly kind: 'plain'
  readonly schema: Schema
}
interface Nothing {
  readonly kind: 'nothing'
  /** The type of the body that is not there, when it is not the client's. */
  readonly type?: string
}

// biome-ignore lint/suspicious/noExplicitAny: what a view loads beside its rows is checked where the view is made
type ViewOf<R> = View<R, any>

/** `{ key: <row> }` */
export const one = <R>(key: string, view: ViewOf<R>): Reply<R> => ({ kind: 'one', key, view })
/** `{ key: [<row>, …] }` */
export const many = <R>(key: string, view: ViewOf<R>, options: ManyOptions<R> = {}): Reply<readonly R[]> =>
  ({ kind: 'many', key, view, options }) as Reply<readonly R[]>
/** The body as `run` returns it. */
export const plain = (schema: Schema = {}): Reply<unknown> => ({ kind: 'plain', schema })
/** No body. */
export const nothing: Reply<void> = { kind: 'nothing' }
/** No body, where Nova answers with webob's own response, which is HTML. */
export const nothingInHtml: Reply<void> = { kind: 'nothing', type: 'text/html; charset=UTF-8' }

/** A value for every version, or one from each version on: `{ '2.1': 200, '2.101': 202 }`. */
export type ByVersion<T> = T | Partial<Record<Microversion, T>>

/** Loads what a page's fields need beside its rows, in a constant number of statements and calls. */
// biome-ignore lint/suspicious/noExplicitAny: rows of any kind
export type Loaders<R = any> = Readonly<Record<string, ((page: readonly R[], call: Call) => Promise<unknown>) | Together<R>>>

/** Loads several at once: those that are needed of the names it stands under; by name. */
export interface Together<R> {
  together(page: readonly R[], call: Call, needs: readonly string[]): Promise<Readonly<Record<string, unknown>>>
}

export interface OperationSpec<B, Q, M, Out> {
  readonly since?: Microversion
  readonly until?: Microversion
  readonly body?: Shapes<B>
  readonly query?: Shapes<Q>
  /** Finds the member that the route names, before the rule is asked. */
  readonly load?: (call: Call & Given<B, Q, undefined>) => Promise<M>
  /** The rule that guards it, or several in the order in which they are asked. */
  readonly rule?: RuleName | readonly RuleName[]
  /** What the rule is asked about; by default the owner of the member, or the caller. */
  readonly target?: (call: Call & Given<B, Q, M>) => Target
  readonly reply?: Reply<Out> | ((call: Call & Given<B, Q, M>) => Reply<Out>)
  readonly loaders?: Loaders
  /** 200 unless said. */
  readonly status?: ByVersion<number>
  /** The status where it depends on what was done, or is not what Nova's own tables say. */
  readonly statusOf?: (out: Out, call: Call) => number
  /** The error statuses Nova declares; any other is an unforeseen error, 500. */
  readonly errors?: ByVersion<readonly number[]>
  /** Faults whose status differs here from the usual one. */
  readonly faults?: Partial<Record<FaultKind, number>>
  readonly headers?: (out: Out, call: Call, links: { self(collection: string, id: string): string }) => [string, string][]
  readonly run: (call: Call & Given<B, Q, M>) => Promise<Out> | Out
}

// biome-ignore lint/suspicious/noExplicitAny: erased once the spec has been checked
export interface Operation extends Omit<OperationSpec<any, any, any, any>, 'since' | 'until'> {
  readonly span: Span
  /** Why it was removed. */
  readonly gone?: string
}

export function op<B = unknown, Q = unknown, M = undefined, Out = unknown>({
  since,
  until,
  ...spec
}: OperationSpec<B, Q, M, Out>): Operation {
  let span = always
  if (since) span = from(span, since)
  if (until) span = upTo(span, until)
  return { ...spec, span } as Operation
}

/** An operation that was taken away for good: 410, before anything is looked at. */
export const gone = (reason: string, until?: Microversion): Operation => ({
  span: until ? upTo(always, until) : always,
  gone: reason,
  run: () => {
    throw new Fault('gone')
  },
})

/** Routes to operations; several under one key live in different spans. */
export type Resource = Readonly<Record<string, Operation | readonly Operation[]>>

export const resource = (table: Resource): Resource => table

/** The value of a `ByVersion` at a version. */
export function byVersion<T>(values: ByVersion<T>, minor: Minor): T {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return values as T
  let found: T | undefined
  for (const [version, value] of Object.entries(values as Record<string, T>))
    if (Number(version.slice(2)) <= Math.max(minor, 1)) found = value
  return found as T
}
