/** Headers on their way through a proxy: those of a connection stay behind, all others keep their case, order and repeats. */

/** Names and values alternating, as node:http gives and takes them. */
export type RawHeaders = readonly string[]

/** RFC 9110 7.6.1, and what proxies are told alone. */
const ofConnection = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'upgrade', 'expect'],
])

/** Without those of the connection, and without those that `Connection` names. */
export function endToEnd(raw: RawHeaders): string[] {
  const named = pairs(raw).flatMap(([name, value]) => (name.toLowerCase() === 'connection' ? value.toLowerCase().split(/\s*,\s*/) : []))
  return pairs(raw)
    .filter(([name]) => !ofConnection.has(name.toLowerCase()) && !named.includes(name.toLowerCase()))
    .flat()
}

export interface Came {
  readonly remoteAddress: string
  readonly scheme: 'http' | 'https'
}

/** What goes on to the real one: `Host` as the client said it, for the sake of links, and X-Forwarded-* as a proxy adds them. */
export function forwarded(raw: RawHeaders, { remoteAddress, scheme }: Came): string[] {
  const kept = pairs(endToEnd(raw))
  const value = (wanted: string) => kept.find(([name]) => name.toLowerCase() === wanted)?.[1]
  const before = kept.filter(([name]) => name.toLowerCase() === 'x-forwarded-for').map(([, addresses]) => addresses)
  const host = value('host')
  return [
    ...kept.filter(([name]) => name.toLowerCase() !== 'x-forwarded-for'),
    ['X-Forwarded-For', [...before, remoteAddress].join(', ')],
    ...(value('x-forwarded-proto') === undefined ? [['X-Forwarded-Proto', scheme]] : []),
    ...(value('x-forwarded-host') === undefined && host !== undefined ? [['X-Forwarded-Host', host]] : []),
  ].flat()
}

export const headerIn = (raw: RawHeaders, wanted: string): string | undefined =>
  pairs(raw).find(([name]) => name.toLowerCase() === wanted)?.[1]

/** The same without these, whose names are lower case. */
export const without = (raw: RawHeaders, ...names: string[]): string[] =>
  pairs(raw)
    .filter(([name]) => !names.includes(name.toLowerCase()))
    .flat()

const pairs = (raw: RawHeaders): [string, string][] =>
  Array.from({ length: raw.length >> 1 }, (_, index) => [raw[2 * index]!, raw[2 * index + 1]!])
