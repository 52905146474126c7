/** What actions on servers have in common: most find the server, do something later, and answer 202 with nothing. */
import type { Server } from '../../../../stores/cell/servers.ts'
import { nothing, type Operation, type OperationSpec, op } from '../../../spec/operation.ts'
import * as p from '../../../spec/parameters.ts'
import { type Of, object, type Shape, type Shapes } from '../../../spec/shape.ts'
import { serverOfAction } from '../member.ts'

/** `{ <name>: <shape> }` */
export const named = <const N extends string, S extends Shapes>(name: N, shape: S): Shape<{ [K in N]: Of<S> }> =>
  object({ [name]: shape }, { required: [name] }) as unknown as Shape<{ [K in N]: Of<S> }>

/** `{ <name>: anything }`, of actions that take nothing. */
export const bare = (name: string): Shape<unknown> => named(name, p.anything)

/** The shapes of one body over time, where no single one tells its type. */
export const lives = <B>(...shapes: readonly Shape<unknown>[]): Shapes<B> => shapes as readonly Shape<B>[]

/** Answers with nothing unless something else is said. */
export const action = <B = unknown, Out = void>(spec: OperationSpec<B, unknown, Server, Out>): Operation =>
  op<B, unknown, Server, Out>({ load: serverOfAction, status: 202, reply: nothing as never, ...spec })
