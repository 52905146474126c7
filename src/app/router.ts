/** Matches a method and a path against a table of routes such as `GET /servers/:id/tags`. Compiled once; a match costs one map look-up per segment. */

export type RouteTable<T> = Readonly<Record<string, T>>

export interface RouteMatch<T> {
  readonly value: T
  /** The route as it was written, without its method. */
  readonly route: string
  /** Decoded values of the `:name` segments. */
  readonly params: Readonly<Record<string, string>>
}

interface Node<T> {
  fixed: Map<string, Node<T>>
  param: Node<T> | undefined
  /** By method. */
  ends: Map<string, { value: T; route: string; names: readonly string[] }>
}

const emptyNode = <T>(): Node<T> => ({ fixed: new Map(), param: undefined, ends: new Map() })

export interface Router<T> {
  /** The route for a method and a decoded path, or undefined. A fixed segment wins over a parameter. */
  match(method: string, path: string): RouteMatch<T> | undefined
  /** The methods that some route takes at this path. */
  methods(path: string): string[]
}

/** `slash`: one trailing slash is allowed. */
export function router<T>(table: RouteTable<T>, { slash = true }: { slash?: boolean } = {}): Router<T> {
  const split = slash ? (path: string) => segmentsOf(path.replace(/(?<=.)\/$/, '')) : segmentsOf
  const root = emptyNode<T>()
  for (const [key, value] of Object.entries(table)) {
    const [method, route] = key.split(' ') as [string, string]
    const names: string[] = []
    let node = root
    for (const segment of segmentsOf(route)) {
      if (segment.startsWith(':')) {
        names.push(segment.slice(1))
        node = node.param ??= emptyNode()
      } else {
        let next = node.fixed.get(segment)
        if (!next) node.fixed.set(segment, (next = emptyNode()))
        node = next
      }
    }
    if (node.ends.has(method)) throw new Error(`two routes for ${key}`)
    node.ends.set(method, { value, route, names })
  }
  return {
    match(method, path) {
      const segments = split(path)
      const found = walk(root, segments, 0, [], (node) => node.ends.has(method))
      if (!found) return undefined
      const end = found.node.ends.get(method)!
      const params: Record<string, string> = {}
      for (const [i, name] of end.names.entries()) params[name] = found.values[i]!
      return { value: end.value, route: end.route, params }
    },
    methods(path) {
      const all = new Set<string>()
      walk(root, split(path), 0, [], (node) => {
        for (const method of node.ends.keys()) all.add(method)
        return false
      })
      return [...all].sort()
    },
  }
}

function walk<T>(
  node: Node<T>,
  segments: readonly string[],
  at: number,
  values: readonly string[],
  wanted: (node: Node<T>) => boolean,
): { node: Node<T>; values: readonly string[] } | undefined {
  if (at === segments.length) return wanted(node) ? { node, values } : undefined
  const segment = segments[at]!
  const fixed = node.fixed.get(segment)
  const found = fixed && walk(fixed, segments, at + 1, values, wanted)
  if (found) return found
  return node.param && segment !== '' ? walk(node.param, segments, at + 1, [...values, segment], wanted) : undefined
}

/** `/a/b` → a, b. Empty segments are kept: they match nothing. */
const segmentsOf = (path: string): string[] => (path.length > 1 ? path.slice(1).split('/') : [])

/** Percent-decodes a path as WSGI servers do: bytes first, then UTF-8; what is no UTF-8 becomes U+FFFD. */
export function decodePath(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return Buffer.from(unescapeBytes(path)).toString()
  }
}

/** The same with each byte a character, as WSGI hands paths on (PEP 3333 on PATH_INFO). */
export const binaryPath = (path: string): string =>
  /^[\x00-\x7f]*$/.test(path) && !path.includes('%') ? path : Buffer.from(unescapeBytes(path)).toString('latin1')

function unescapeBytes(path: string): Uint8Array {
  const out: number[] = []
  const bytes = Buffer.from(path)
  for (let i = 0; i < bytes.length; i++) {
    const hex = bytes[i] === 0x25 ? bytes.toString('latin1', i + 1, i + 3) : ''
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      out.push(Number.parseInt(hex, 16))
      i += 2
    } else out.push(bytes[i]!)
  }
  return Uint8Array.from(out)
}
