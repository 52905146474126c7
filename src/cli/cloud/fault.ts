/** `nova-ts cloud fault`: what shall fail in the cloud, to see what becomes of it. */
import { faultTopic } from '../../cloud/cell/fault-endpoint.ts'
import { type FaultState, type KeptFault, longestSeconds } from '../../cloud/cell/faults.ts'
import { transportUrl } from '../../cloud/configuration.ts'
import { guestActions } from '../../cloud/drivers/faulty.ts'
import { isAlive } from '../../cloud/processes.ts'
import { readRoster } from '../../cloud/roster.ts'
import { layout, rememberedPlace } from '../../cloud/state.ts'
import { adminContext } from '../../oslo/context.ts'
import { RemoteError } from '../../oslo/messaging/failure.ts'
import { rpcClient } from '../../oslo/messaging/rpc-client.ts'
import { openTransport } from '../../oslo/messaging/transport.ts'
import { type Command, Refusal, UsageError } from '../usage.ts'
import { describeFlags, flagValue, noCloudIn, readFlags, type Said, stateFlag, stateOf } from './flags.ts'

const flags = {
  ...stateFlag,
  host: { type: 'string', value: 'NAME', help: 'Only on this compute host.' },
  server: { type: 'string', value: 'NAME', help: 'Only for this server: its name or its UUID.' },
  times: { type: 'string', value: 'N', help: 'Only so often, and then no more; without it, until it is removed.' },
  message: { type: 'string', value: 'TEXT', help: 'What the failure says.' },
} as const

const help = `nova-ts cloud fault: what shall fail

  nova-ts cloud fault                        what is set, and which hosts there are
  nova-ts cloud fault ACTION fail            the action fails
  nova-ts cloud fault ACTION slow SECONDS    the action takes so long
  nova-ts cloud fault host NAME down         the host is gone: nothing that is sent to it arrives before it is up again
  nova-ts cloud fault host NAME up
  nova-ts cloud fault remove N               forget a fault, by the number that it is listed with
  nova-ts cloud fault clear                  forget all of them; hosts stay as they are

Actions: ${guestActions.join(', ')}

${describeFlags(flags)}

What is set outlives restarts. A server can have faults of its own in its metadata: nova-ts:spawn = fail, nova-ts:reboot = "slow 10", nova-ts:spawn = "fail 1".
`

interface Order {
  readonly method: string
  readonly args: Readonly<Record<string, unknown>>
}

export const fault: Command = async (argv, terminal) => {
  if (argv.includes('--help') || argv.includes('-h')) {
    terminal.out(help)
    return 0
  }
  const end = argv.findIndex((word) => word.startsWith('-'))
  const words = end === -1 ? argv : argv.slice(0, end)
  const said = readFlags(argv.slice(words.length), flags, terminal.env)
  terminal.out(describe(await ask(stateOf(said), orderOf(words, said))))
  return 0
}

function orderOf(words: readonly string[], said: Said): Order {
  const [first, second, third, ...more] = words
  const misread = () => new UsageError(`cloud fault does not understand ${words.join(' ')}: nova-ts cloud fault --help tells what it does`)
  if (more.length > 0) throw misread()
  if (first === undefined) return { method: 'list', args: {} }
  if (first === 'clear' && second === undefined) return { method: 'clear', args: {} }
  if (first === 'remove' && second !== undefined && third === undefined) return { method: 'remove', args: { id: counted(second) } }
  if (first === 'host' && second !== undefined && (third === 'down' || third === 'up'))
    return { method: 'set_host', args: { host: second, down: third === 'down' } }
  if ((second !== 'fail' || third !== undefined) && (second !== 'slow' || third === undefined)) throw misread()
  const seconds = third === undefined ? null : Number(third)
  if (seconds !== null && !(seconds >= 0 && seconds <= longestSeconds))
    throw new UsageError(`slow takes 0 to ${longestSeconds} seconds, not ${third}`)
  const times = flagValue(said, 'times')
  const rule = {
    action: first,
    effect: second,
    seconds,
    times: times === undefined ? null : counted(times),
    host: flagValue(said, 'host') ?? null,
    server: flagValue(said, 'server') ?? null,
    message: flagValue(said, 'message') ?? null,
  }
  return { method: 'add', args: { rule } }
}

function counted(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`${text} is no number from 1 on`)
  return Number(text)
}

type Told = FaultState & { readonly hosts: readonly string[] }

/** Longer than the cell takes to let go of a host. */
const patienceMs = 10_000

async function ask(state: string, { method, args }: Order): Promise<Told> {
  if (!rememberedPlace(state)) throw new Refusal(noCloudIn(state))
  const files = layout(state)
  const roster = readRoster(files)
  if (!roster || !isAlive(roster.supervisor)) throw new Refusal(`the cloud in ${state} does not run: nova-ts cloud up starts it`)
  const driver = openTransport(transportUrl(files))
  const rpc = rpcClient(driver, { responseTimeoutMs: patienceMs })
  try {
    const context = adminContext(`req-${crypto.randomUUID()}`)
    return (await rpc.call({ topic: faultTopic, version: '1.0' }, context, method, args)) as Told
  } catch (error) {
    if (error instanceof RemoteError) throw new Refusal(String(error.kwargs.reason ?? error.message))
    throw new Refusal(`the cell does not answer: ${(error as Error).message}`, { cause: error })
  } finally {
    await rpc.close()
    await driver.close()
  }
}

function describe({ rules, hosts, hostsDown }: Told): string {
  const down = new Set(hostsDown)
  const faults =
    rules.length === 0 ? 'No action fails.\n' : rules.map((rule) => `  ${String(rule.id).padStart(3)}  ${sentence(rule)}\n`).join('')
  return `${faults}Hosts: ${hosts.map((host) => (down.has(host) ? `${host} (down)` : host)).join(', ')}\n`
}

function sentence({ action, effect, seconds, host, server, times, message }: KeptFault): string {
  const what = effect === 'fail' ? 'fails' : `takes ${seconds} s longer`
  const where = [
    server && `for ${server}`,
    host && `on ${host}`,
    times && `${times} ${times === 1 ? 'time' : 'times'}`,
    message && `: ${message}`,
  ]
  return [action, what, ...where.filter(Boolean)].join(' ').replace(' :', ':')
}
