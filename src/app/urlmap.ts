/**
 * Mounts applications on paths, longest first: Paste's urlmap, and Nova's, which also takes the API version from Accept or Content-Type.
 * The part of the path that a mount consumed moves from `path` to `scriptName`.
 */
import { type Application, header, headerJoined, type Request, type Response, text } from './contract.ts'
import { escapeHtml } from './http-error.ts'
import { bestMatch, contentTypeVersion } from './media-version.ts'
import { withParts } from './request.ts'

/** `/path`, or `domain example.org port 80 /path`, and what answers there. */
export type Mounts = readonly (readonly [expression: string, app: Application])[]

interface Mount {
  /** `example.org` or `example.org:80`; null for any. */
  readonly domain: string | null
  /** Without a trailing slash. */
  readonly url: string
  readonly app: Application
}

/** Paste's urlmap (paste/urlmap.py URLMap). Throws when an expression makes no sense. */
export function pasteUrlmap(mounts: Mounts, notFound?: Application): Application {
  const sorted = sortMounts(mounts)
  const hasDomain = sorted.some(({ domain }) => domain !== null)
  const otherwise = notFound ?? nothingThere(sorted)
  return function pasteUrlmap(request) {
    const path = decoded(request.path)
    const host = hasDomain ? hostOf(request) : anyHost
    for (const mount of sorted)
      if (isFor(mount, host) && (path.text === mount.url || path.text.startsWith(`${mount.url}/`)))
        return mount.app(moved(request, mount.url, path))
    return otherwise(request)
  }
}

/** Nova's urlmap (nova/api/openstack/urlmap.py URLMap): `/x/+` wants something behind the slash. Leaves `environ.bestContentType`. */
export function novaUrlmap(mounts: Mounts, notFound?: Application): Application {
  const sorted = sortMounts(mounts).map((mount) => ({ ...mount, wants: mount.url.endsWith('/+') ? mount.url.slice(0, -1) : undefined }))
  const hasDomain = sorted.some(({ domain }) => domain !== null)
  const otherwise = notFound ?? nothingThere(sorted)

  /** The longest mount for a path, and how much of the path it consumes. */
  function match(host: Host, path: string): { app: Application; url: string } | undefined {
    for (const { domain, url, app, wants } of sorted) {
      if (!isFor({ domain }, host)) continue
      if (wants !== undefined) {
        if (path.length >= url.length && path.startsWith(wants)) return { app, url: url.slice(0, -2) }
      } else if (path.startsWith(url) && (path.length === url.length || path[url.length] === '/')) return { app, url }
    }
    return undefined
  }

  return function novaUrlmap(request) {
    const path = decoded(request.path)
    const host = hasDomain ? hostOf(request) : anyHost
    const found = match(host, path.text)
    const byPath = found && found.url !== '' ? found : undefined
    const byType = byPath ? undefined : versionMount(contentTypeVersion(header(request, 'content-type')), host)
    // A client may ask for Atom where versions are listed; it gets JSON, but its Accept counts as matched.
    const lists = path.text === '/' || (byPath !== undefined && path.text === `${byPath.url}/`)
    const best = bestMatch(headerJoined(request, 'accept'), lists)
    request.environ.bestContentType = path.text.endsWith('.json') ? 'application/json' : (best.contentType ?? 'application/json')
    if (byPath) return byPath.app(moved(request, byPath.url, path))
    const byVersion = byType ?? versionMount(best.version, host)
    if (byVersion) return byVersion.app(withParts(request, { scriptName: request.scriptName + byVersion.url }))
    return found ? found.app(moved(request, found.url, path)) : otherwise(request)
  }

  function versionMount(version: string | undefined, host: Host) {
    return version === undefined ? undefined : match(host, `/v${version}`)
  }
}

function sortMounts(mounts: Mounts): Mount[] {
  const byPlace = new Map<string, Mount>()
  for (const [expression, app] of mounts) {
    const { domain, url } = parseExpression(expression)
    byPlace.set(`${domain ?? ''} ${url}`, { domain, url, app })
  }
  const order = ({ domain }: Mount) => domain ?? '\xff'
  return [...byPlace.values()].sort((a, b) => (order(a) === order(b) ? b.url.length - a.url.length : order(a) < order(b) ? -1 : 1))
}

/** paste/urlmap.py parse_path_expression and URLMap.normalize_url. */
function parseExpression(expression: string): { domain: string | null; url: string } {
  const words = expression.split(/\s+/).filter(Boolean)
  const parts: { domain?: string; port?: string; path?: string } = {}
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const key = word === 'domain' || word === 'port' ? word : 'path'
    const value = key === 'path' ? word : words.shift()
    if (value === undefined) throw new Error(`'${expression}': nothing follows '${key}'`)
    if (parts[key] !== undefined) throw new Error(`'${expression}': more than one ${key}`)
    parts[key] = value
  }
  const { domain, port, path = '' } = parts
  if (port !== undefined && domain === undefined) throw new Error(`'${expression}': a port needs a domain`)
  const [, urlDomain, urlPath] = /^https?:\/\/([^/]*)(.*)$/.exec(path) ?? []
  if (urlDomain === undefined && domain === undefined && path !== '' && !path.startsWith('/'))
    throw new Error(`'${expression}': a path starts with / or http://`)
  const whole = urlDomain === undefined ? (domain === undefined ? path : `/${path}`) : urlPath!
  const url = whole.replaceAll(/\/\/+/g, '/').replace(/\/+$/, '')
  return { domain: urlDomain ?? (domain === undefined ? null : port === undefined ? domain : `${domain}:${port}`), url }
}

interface Host {
  readonly name: string
  readonly withPort: string
}

const anyHost: Host = { name: '', withPort: '' }

function hostOf(request: Request): Host {
  const host = (header(request, 'host') ?? '').toLowerCase()
  const colon = host.indexOf(':')
  if (colon >= 0) return { name: host.slice(0, colon), withPort: host }
  return { name: host, withPort: `${host}:${request.scheme === 'http' ? 80 : 443}` }
}

const isFor = ({ domain }: Pick<Mount, 'domain'>, host: Host): boolean =>
  domain === null || domain === host.name || domain === host.withPort

/** A path as mounts see it: bytes as characters (as in WSGI), runs of slashes made one. `raw` is the same, undecoded. */
interface Path {
  readonly text: string
  readonly raw: string
}

function decoded(path: string): Path {
  if (!path.includes('%')) {
    const raw = path.includes('//') ? path.replaceAll(/\/\/+/g, '/') : path
    return { text: raw, raw }
  }
  let text = ''
  let raw = ''
  for (const token of path.match(tokens)!) {
    const letter = token.length === 3 ? String.fromCharCode(Number.parseInt(token.slice(1), 16)) : token
    if (letter === '/' && text.endsWith('/')) continue
    text += letter
    raw += token
  }
  return { text, raw }
}

/** A character of a raw path: an escape or a plain one. */
const tokens = /%[0-9a-f]{2}|[\s\S]/gi

/** The request as the application under `url` sees it. */
function moved(request: Request, url: string, { text, raw }: Path): Request {
  return withParts(request, { scriptName: request.scriptName + url, path: text === raw ? raw.slice(url.length) : behind(raw, url.length) })
}

/** What follows the first `count` decoded characters of a raw path. */
function behind(raw: string, count: number): string {
  return (raw.match(tokens) ?? []).slice(count).join('')
}

/** paste/urlmap.py URLMap.not_found_app and paste/httpexceptions.py HTTPNotFound: 404 which, in HTML, lists what there is. */
function nothingThere(mounts: readonly Mount[]): Application {
  const defined = `defined apps: ${mounts.map(({ domain, url }) => `(${domain === null ? 'None' : quoted(domain)}, ${quoted(url)})`).join(',\n  ')}`
  return async function nothingThere(request): Promise<Response> {
    const path = request.path.replaceAll(/%[0-9a-f]{2}/gi, (token) => String.fromCharCode(Number.parseInt(token.slice(1), 16)))
    const accept = headerJoined(request, 'accept') ?? ''
    if (!accept.includes('html') && !accept.includes('*/*'))
      return text(404, `404 Not Found\r\nThe resource could not be found.\r\n${path}\r\n\r\n`, [
        ['content-type', 'text/plain; charset=utf8'],
      ])
    const facts = [
      ['SCRIPT_NAME', request.scriptName],
      ['PATH_INFO', path],
      ['HTTP_HOST', header(request, 'host') ?? ''],
    ].map(([name, value]) => `\n${name}: ${quoted(escapeHtml(value!))}`)
    return text(404, page(path, `${defined}${facts.join('')}`), [['content-type', 'text/html; charset=utf8']])
  }
}

const shortEscapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Python's repr of a text without quotes. */
const quoted = (value: string): string =>
  `'${value.replaceAll(/[\\\x00-\x1f\x7f-\xa0\xad]/g, (c) => shortEscapes[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`

const page = (path: string, comment: string): string =>
  [
    '<html>',
    '  <head><title>Not Found</title></head>',
    '  <body>',
    '    <h1>Not Found</h1>',
    '    <p>The resource could not be found.',
    `<br/>${escapeHtml(path)}`,
    `<!-- ${escapeHtml(comment)} --></p>`,
    '    <hr noshade>',
    '    <div align="right">WSGI Server</div>',
    '  </body>',
    '</html>',
    '',
  ].join('\r\n')
