/** The content type and the API version that Accept and Content-Type ask for, as nova/api/openstack/urlmap.py reads them. */

/** What Accept says: the supported type it likes best, and the `version` parameter beside it. */
export interface Best {
  readonly contentType: string | undefined
  readonly version: string | undefined
}

const supported = ['application/json', 'application/vnd.openstack.compute+json']
const withAtom = [...supported, 'application/atom+xml']
const nothing: Best = { contentType: undefined, version: undefined }

/** Clients send few different values, so that each is looked at once; a flood of them must not fill the memory. */
const rememberAtMost = 500
const remembered = [new Map<string, Best>(), new Map<string, Best>()] as const

/** The best match of an Accept header; `atom` adds Atom to the supported types. */
export function bestMatch(accept: string | undefined, atom: boolean): Best {
  if (!accept) return nothing
  const memory = remembered[atom ? 1 : 0]
  let best = memory.get(accept)
  if (!best) {
    best = findBest(accept, atom ? withAtom : supported)
    if (memory.size >= rememberAtMost) memory.clear()
    memory.set(accept, best)
  }
  return best
}

/** The `version` parameter of a Content-Type. */
export function contentTypeVersion(contentType: string | undefined): string | undefined {
  return contentType?.includes('version') ? parseOptions(contentType).options.get('version') : undefined
}

/** nova/api/openstack/urlmap.py Accept.best_match: quality first, then the mask with fewer wildcards. */
function findBest(accept: string, types: readonly string[]): Best {
  const masks = parseList(accept).map(parseOptions)
  let best = nothing
  let bestQuality = -1
  let bestStars = 2
  for (const type of types)
    for (const { name, options } of masks) {
      const quality = Number(options.get('q') ?? 1)
      const stars = name.split('*').length - 1
      if (Number.isNaN(quality) || quality < bestQuality || (quality === bestQuality && bestStars <= stars)) continue
      if (!fits(name, type)) continue
      bestQuality = quality
      bestStars = stars
      best = { contentType: type, version: options.get('version') }
    }
  return best
}

function fits(mask: string, type: string): boolean {
  if (!mask.includes('*')) return mask === type
  return mask === '*/*' || type.startsWith(`${mask.slice(0, -2)}/`)
}

/** Items between commas; a comma in quotes does not count. */
function parseList(value: string): string[] {
  return (value.match(/(?:"(?:[^"\\]|\\.)*"|[^,])+/g) ?? []).map((item) => item.trim())
}

const piece = /;\s*([^\s;=]+|"[^"\\]*(?:\\.[^"\\]*)*")\s*(?:=\s*([^;]+|"[^"\\]*(?:\\.[^"\\]*)*"))?\s*/g

/** `name; key=value; key="value"` */
function parseOptions(value: string): { name: string; options: ReadonlyMap<string, string> } {
  const [first, ...rest] = [...`;${value}`.matchAll(piece)].map(([, key, given]) => [unquoted(key!), unquoted(given ?? '')] as const)
  return { name: first?.[0] ?? '', options: new Map(rest) }
}

const unquoted = (value: string): string => (value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value)
