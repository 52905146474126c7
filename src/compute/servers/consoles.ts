/** Consoles of servers: their output, ways to reach them, which the compute is asked for, and where the token of such a way leads. */
import type { RequestContext } from '../../oslo/context.ts'
import { cell0Uuid } from '../../stores/api/mappings.ts'
import type { ConsoleToken } from '../../stores/cell/console-tokens.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { answered, type Cell } from '../../stores/cells.ts'
import type { Backends } from '../backends.ts'
import { Fault, type FaultKind } from '../faults.ts'
import { ask, refusalOf } from './ask.ts'
import { requireHost } from './checks.ts'
import { checkState, rules } from './states.ts'

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
    throw refusalOf(error, refusals)
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
    throw refusalOf(error, refusals)
  }
}

/** Where a token leads; undefined for one that is not known or has expired. Cells that do not answer are left out. */
export async function consoleOf({ stores }: Backends, token: string): Promise<ConsoleToken | undefined> {
  const find = async (cell: Cell) => (cell.uuid === cell0Uuid ? undefined : cell.consoleTokens.find(token))
  const answers = await stores.cells.gather(find)
  return answers.filter(answered).find(({ value }) => value)?.value
}
