/** Where two documents differ, as JSON pointers into the first; what may differ is left to the allowances. */
import type { Allowances } from './allowances.ts'

export interface Difference {
  /** Names and indexes from the root. */
  readonly keys: readonly string[]
  /** Absent where there is nothing. */
  readonly real?: unknown
  readonly ours?: unknown
}

interface Walk {
  readonly allowances: Allowances
  readonly found: Difference[]
}

/** In the order of the first document. */
export function differencesOf(real: unknown, ours: unknown, allowances: Allowances): Difference[] {
  const walk: Walk = { allowances, found: [] }
  compare(walk, [], real, ours)
  return walk.found
}

/** RFC 6901. */
export const pointerOf = (keys: readonly string[]): string =>
  keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

type Keys = readonly string[]
type Members = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)
const kind = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value)

/** The innermost name: an index is none. */
const nameOf = (keys: Keys): string => keys.findLast((key) => !/^\d+$/.test(key)) ?? ''

function compare(walk: Walk, keys: Keys, real: unknown, ours: unknown): void {
  const moving = walk.allowances.movingBy(nameOf(keys))
  // a document whose every value moves is still walked through, so that a member which is missing is found
  if (isRecord(real) && isRecord(ours)) compareMembers(walk, keys, real, ours)
  else if (moving === 'kind' && kind(real) === kind(ours)) return
  else if (moving === 'close' && isClose(real, ours)) return
  else if (Array.isArray(real) && Array.isArray(ours)) compareLists(walk, keys, real, ours)
  else if (!isSame(real, ours, keys.at(-1))) walk.found.push({ keys, real, ours })
}

function compareMembers(walk: Walk, keys: Keys, real: Members, ours: Members): void {
  for (const [name, value] of Object.entries(real)) {
    if (Object.hasOwn(ours, name)) compare(walk, [...keys, name], value, ours[name])
    else walk.found.push({ keys: [...keys, name], real: value })
  }
  for (const [name, value] of Object.entries(ours)) if (!Object.hasOwn(real, name)) walk.found.push({ keys: [...keys, name], ours: value })
}

function compareLists(walk: Walk, keys: Keys, real: readonly unknown[], ours: readonly unknown[]): void {
  const name = nameOf(keys)
  const pairs = identified(real, ours) ?? (walk.allowances.isUnordered(name) ? matched(real, ours) : byIndex(real, ours))
  for (const [index, [mine, its]] of pairs.entries()) {
    const at = [...keys, String(index)]
    if (mine === absent) walk.found.push({ keys: [...keys, '-'], ours: its })
    else if (its === absent) walk.found.push({ keys: at, real: mine })
    else compare(walk, at, mine, its)
  }
  if (walk.allowances.isUnordered(name) || real.length !== ours.length) return
  const [before, after] = [real.map(identity), ours.map(identity)]
  if (before[0] !== undefined && before.join() !== after.join() && [...before].sort().join() === [...after].sort().join())
    walk.found.push({ keys, real: `order: ${before.join(', ')}`, ours: `order: ${after.join(', ')}` })
}

const absent = Symbol('absent')
type Pair = readonly [real: unknown, ours: unknown]

const byIndex = (real: readonly unknown[], ours: readonly unknown[]): Pair[] =>
  Array.from({ length: Math.max(real.length, ours.length) }, (_, index) => [
    index < real.length ? real[index] : absent,
    index < ours.length ? ours[index] : absent,
  ])

/** Members by which the items of a list are told apart, the best first. */
const identities = ['id', 'uuid', 'server_id', 'volumeId', 'port_id', 'tenant_id', 'zoneName', 'hypervisor_hostname', 'host_name', 'name']

function identity(item: unknown): string | undefined {
  if (!isRecord(item)) return undefined
  const name = identities.find((each) => typeof item[each] === 'string' || typeof item[each] === 'number')
  return name && `${item[name]}`
}

/** Items paired by what tells them apart; undefined where that does not work. Those of ours alone stand at the end. */
function identified(real: readonly unknown[], ours: readonly unknown[]): Pair[] | undefined {
  const others = new Map(ours.map((item) => [identity(item), item]))
  const names = real.map(identity)
  if (others.has(undefined) || names.includes(undefined) || others.size < ours.length || new Set(names).size < names.length)
    return undefined
  const pairs = real.map((item, index): Pair => {
    const name = names[index]
    const other = others.has(name) ? others.get(name) : absent
    others.delete(name)
    return [item, other]
  })
  return [...pairs, ...[...others.values()].map((item): Pair => [absent, item])]
}

/** Items without a name: those that are the same on both sides first, then what is left in the order it has. */
function matched(real: readonly unknown[], ours: readonly unknown[]): Pair[] {
  const left = ours.map((item) => ({ item, text: canonical(item) }))
  const pairs: [unknown, unknown][] = real.map((item) => {
    const text = canonical(item)
    const at = left.findIndex((other) => other.text === text)
    return [item, at < 0 ? absent : left.splice(at, 1)[0]!.item]
  })
  for (const pair of pairs) if (pair[1] === absent && left.length > 0) pair[1] = left.shift()!.item
  return [...pairs, ...left.map(({ item }): Pair => [absent, item])]
}

/** A text that is the same for two documents that are, whatever the order of their members is. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    isRecord(each) ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1))) : each,
  )

function isSame(real: unknown, ours: unknown, key: string | undefined): boolean {
  if (real === ours) return true
  if (typeof real !== 'string' || typeof ours !== 'string') return false
  if (key === 'href' || key === 'Location') return pathOf(real) === pathOf(ours)
  // Python's sets have no order, and the texts of its errors show them
  return key === 'message' && withoutOrder(real) === withoutOrder(ours)
}

/** A link leads to whichever of the two was asked: its path counts. */
export const pathOf = (link: string): string => link.replace(/^https?:\/\/[^/?#]*/i, '')

const withoutOrder = (message: string): string =>
  message.replace(/(?<=is not one of \[)[^\]]*(?=\])/g, (list) => list.split(', ').sort().join(', '))

function isClose(real: unknown, ours: unknown): boolean {
  if (typeof real === 'number' && typeof ours === 'number') return Math.abs(real - ours) <= Math.max(2, Math.abs(real) / 100)
  if (typeof real !== 'string' || typeof ours !== 'string') return false
  const apart = Math.abs(Date.parse(real) - Date.parse(ours))
  // of the same form, or one of them says something else
  return apart <= 120_000 && real.replace(/\d+/g, '0') === ours.replace(/\d+/g, '0')
}
