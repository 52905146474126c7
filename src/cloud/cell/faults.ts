/**
 * Faults that people set, to see what their programs do: actions that fail or take long, hosts that are down. Those that are set by command are kept in a
 * file; a server can have some of its own in its metadata, where whoever may create it can set them: `nova-ts:spawn` = `fail`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { type GuestAction, guestActions } from '../drivers/faulty.ts'
import { writeWhole } from '../state.ts'
import { nova } from './errors.ts'

export interface FaultRule {
  readonly action: GuestAction
  /** `slow` goes on after `seconds`. */
  readonly effect: 'fail' | 'slow'
  /** Of a slow action. */
  readonly seconds: number | null
  /** How often it still happens; for ever when null. */
  readonly times: number | null
  /** Only there; everywhere when null. */
  readonly host: string | null
  /** The UUID or the name of the only server that it meets; null is any. */
  readonly server: string | null
  /** What a failure says. */
  readonly message: string | null
}

export interface KeptFault extends FaultRule {
  readonly id: number
}

/** All that is set. */
export interface FaultState {
  readonly rules: readonly KeptFault[]
  readonly hostsDown: readonly string[]
}

export interface Faults {
  state(): FaultState
  add(rule: FaultRule): KeptFault
  /** False when there is none with this number. */
  remove(id: number): boolean
  /** Forgets all rules; hosts stay as they are. */
  clear(): void
  setDown(host: string, down: boolean): void
  isDown(host: string): boolean
  /** Waits and fails as the rules want it. */
  meet(happening: Happening): Promise<void>
}

export interface Happening {
  readonly action: GuestAction
  readonly host: string
  readonly uuid: string
  /** Asked only where a rule wants to know. */
  readonly server: () => Promise<{ readonly name: string | null; readonly metadata: Readonly<Record<string, string | null>> }>
}

/** Before an action's name in the metadata of a server. */
const prefix = 'nova-ts:'
export const longestSeconds = 86_400

interface FaultParts {
  /** Where they are kept; nowhere when absent. */
  readonly file?: string | undefined
  readonly wait: (milliseconds: number) => Promise<void>
}

const nothing: FaultState = { rules: [], hostsDown: [] }

export function openFaults({ file, wait }: FaultParts): Faults {
  let state: FaultState = file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as FaultState) : nothing
  /** How often the metadata of a server has been obeyed, by server and key. */
  const obeyed = new Map<string, number>()

  function change(next: Partial<FaultState>): void {
    state = { ...state, ...next }
    if (file) writeWhole(file, `${JSON.stringify(state, null, 2)}\n`)
  }

  /** One time less. */
  function use({ id, times }: KeptFault): void {
    if (times === null) return
    const rules = state.rules.flatMap((rule) => (rule.id !== id ? rule : times > 1 ? { ...rule, times: times - 1 } : []))
    change({ rules })
  }

  async function kept({ action, host, uuid, server }: Happening): Promise<FaultRule[]> {
    const met: FaultRule[] = []
    for (const rule of state.rules) {
      if (rule.action !== action || (rule.host !== null && rule.host !== host)) continue
      if (rule.server !== null && rule.server !== uuid && rule.server !== (await server()).name) continue
      met.push(rule)
      use(rule)
    }
    return met
  }

  /** What cannot be read is the user's own metadata and means nothing. */
  async function own({ action, uuid, server }: Happening): Promise<FaultRule[]> {
    const key = `${prefix}${action}`
    const wish = parseWish((await server()).metadata[key] ?? '')
    if (!wish) return []
    const count = (obeyed.get(`${uuid} ${key}`) ?? 0) + 1
    obeyed.set(`${uuid} ${key}`, count)
    return wish.times !== null && count > wish.times ? [] : [{ ...wish, action, host: null, server: uuid, message: null }]
  }

  return {
    state: () => state,
    add(rule) {
      const made = { id: Math.max(0, ...state.rules.map(({ id }) => id)) + 1, ...rule }
      change({ rules: [...state.rules, made] })
      return made
    },
    remove(id) {
      const rules = state.rules.filter((rule) => rule.id !== id)
      if (rules.length === state.rules.length) return false
      change({ rules })
      return true
    },
    clear: () => change({ rules: [] }),
    setDown(host, down) {
      const others = state.hostsDown.filter((name) => name !== host)
      change({ hostsDown: down ? [...others, host] : others })
    },
    isDown: (host) => state.hostsDown.includes(host),
    async meet(happening) {
      const met = [...(await kept(happening)), ...(await own(happening))]
      for (const { effect, seconds } of met) if (effect === 'slow') await wait((seconds ?? 0) * 1000)
      const failure = met.find(({ effect }) => effect === 'fail')
      if (failure)
        throw nova('InternalError', { err: failure.message ?? `${happening.action} on ${happening.host} failed, as it was told to` })
    },
  }
}

/** `fail`, `fail 2` (the first two times), `slow 10` (seconds), `slow 10 2`; undefined for anything else. */
export function parseWish(text: string): Pick<FaultRule, 'effect' | 'seconds' | 'times'> | undefined {
  const [effect, ...rest] = text.trim().split(/\s+/)
  const [first, second, third] = rest.map((word) => (/^\d+(\.\d+)?$/.test(word) ? Number(word) : Number.NaN))
  const isCount = (value: number | undefined) => value === undefined || (Number.isInteger(value) && value > 0)
  if (effect === 'fail' && isCount(first) && second === undefined) return { effect, seconds: null, times: first ?? null }
  if (effect !== 'slow' || first === undefined || !(first >= 0 && first <= longestSeconds) || !isCount(second) || third !== undefined)
    return undefined
  return { effect, seconds: first, times: second ?? null }
}

/** Whether a rule from outside is one. Throws an InvalidInput that says what is wrong. */
export function checkedRule(given: Readonly<Record<string, unknown>>, hosts: ReadonlySet<string>): FaultRule {
  const refuse = (reason: string) => nova('InvalidInput', { reason })
  const { action, effect, seconds = null, times = null, host = null, server = null, message = null } = given
  if (!guestActions.includes(action as GuestAction)) throw refuse(`there is no action ${action}; there are ${guestActions.join(', ')}`)
  if (effect !== 'fail' && effect !== 'slow') throw refuse('an action can fail or be slow')
  if (effect === 'slow' && !(typeof seconds === 'number' && seconds >= 0 && seconds <= longestSeconds))
    throw refuse(`an action can be slow for 0 to ${longestSeconds} seconds`)
  if (times !== null && !(Number.isInteger(times) && (times as number) > 0)) throw refuse('it can happen once or more often')
  if (host !== null && !hosts.has(host as string)) throw refuse(`there is no host ${host}; there are ${[...hosts].join(', ')}`)
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)
  return {
    action: action as GuestAction,
    effect,
    seconds: effect === 'slow' ? (seconds as number) : null,
    times: times as number | null,
    host: host as string | null,
    server: text(server),
    message: text(message),
  }
}
