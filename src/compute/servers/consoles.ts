/** Consoles of servers: their output, ways to reach them, and what happens on their host. All of it is asked of the compute. */
import type { RequestContext } from '../../oslo/context.ts'
import { RemoteError } from '../../oslo/messaging/failure.ts'
import { cell0Uuid } from '../../stores/api/mappings.ts'
import type { ConsoleToken } from '../../stores/cell/console-tokens.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { answered, type Cell } from '../../stores/cells.ts'
import type { Backends } from '../backends.ts'
import { Fault, type FaultKind } from '../faults.ts'
import { type Calls, callCompute } from '../rpc/compute.ts'
import { requireHost } from './checks.ts'
import { detailsOf } from './details.ts'
import { checkState, rules } from './states.ts'
import { instanceOf, usual } from './to-wire.ts'

export type ConsoleKind = 'vnc' | 'spice' | 'serial' | 'mks'

/** What computes refuse with, and what users are told of it. */
const refusals: Readonly<Record<string, FaultKind>> = {
  ConsoleNotAvailable: 'missing',
  ConsoleTypeInvalid: 'badRequest',
  ConsoleTypeUnavailable: 'badRequest',
  ImageSerialPortNumberExceedFlavorValue: 'badRequest',
  ImageSerialPortNumberInvalid: 'badRequest',
  InstanceInvalidState: 'conflict',
  InstanceNotFound: 'missing',
  InstanceNotReady: 'conflict',
  NotImplementedError: 'notImplemented',
  SocketPortRangeExhaustedException: 'badRequest',
}

const unsupported = 'The requested functionality is not supported.'

/** What a compute refused, as a refusal of ours; other errors as they are. */
export function refusalOf(error: unknown, known: Readonly<Record<string, FaultKind>> = refusals): unknown {
  const kind = error instanceof RemoteError ? known[error.className] : undefined
  if (!kind) return error
  return kind === 'notImplemented' ? new Fault(kind, unsupported) : new Fault(kind, (error as RemoteError).message)
}

/** The state that another service found the server in, its InstanceInvalidState, as a refusal of ours. */
export function stateRefusal({ uuid }: Pick<Server, 'uuid'>, word: string, { kwargs: { attr, state } }: RemoteError): Fault {
  const isSaid = attr !== undefined && state !== undefined && state !== null
  return isSaid ? new Fault('wrongState', word, uuid, attr, state) : new Fault('unfitState', uuid, word)
}

/** Asks the server's compute and waits for the answer. */
export async function ask<M extends keyof Calls>(
  backends: Backends,
  context: RequestContext,
  server: Server,
  method: M,
  args: Calls[M][0],
): Promise<Calls[M][1]> {
  const instance = await instanceOf(detailsOf(backends, server), usual)
  return callCompute(backends, context, server, method, instance, args)
}

/** The address at which a console can be opened. */
export async function openConsole(
  backends: Backends,
  context: RequestContext,
  server: Server,
  kind: ConsoleKind,
  type: string,
): Promise<string> {
  requireHost(server)
  refuseBusy(server, kind)
  try {
    return (await ask(backends, context, server, `get_${kind}_console`, { console_type: type })).access_url
  } catch (error) {
    throw refusalOf(error)
  }
}

function refuseBusy(server: Server, kind: ConsoleKind): void {
  try {
    checkState(server, 'console')
  } catch (error) {
    if (!(error instanceof Fault) || kind === 'vnc') throw error
    const [word, ...rest] = error.values as [string, ...unknown[]]
    throw new Fault('wrongState', word.replace(rules.console.says, `get_${kind}_console`), ...rest)
  }
}

/** The last lines of what a server wrote to its console, or all of it. */
export async function consoleOutput(
  backends: Backends,
  context: RequestContext,
  server: Server,
  length: number | string | null,
): Promise<string> {
  requireHost(server)
  try {
    return await ask(backends, context, server, 'get_console_output', { tail_length: length })
  } catch (error) {
    throw refusalOf(error)
  }
}

/** Where a token leads; undefined for one that is not known or has expired. Cells that do not answer are left out. */
export async function consoleOf({ stores }: Backends, token: string): Promise<ConsoleToken | undefined> {
  const find = async (cell: Cell) => (cell.uuid === cell0Uuid ? undefined : cell.consoleTokens.find(token))
  const answers = await stores.cells.gather(find)
  return answers.filter(answered).find(({ value }) => value)?.value
}
