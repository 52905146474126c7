/**
 * Templates in cell mappings: `{username}`, `{password}`, `{hostname}`, `{port}`, `{scheme}`, `{path}`, `{query}` and `{fragment}` stand for
 * the parts of the service's own URL; of a message broker with several hosts also `{username1}`, `{hostname2}` and so on.
 * nova/objects/cell_mapping.py CellMapping._format_url
 */

/** Fills in a template. Without an own URL, or with a name that is none of those, it stays as it is; `report` is told why. */
export function expandUrl(template: string, own: string | null, report: (why: string) => void): string {
  if (!/[{}]/.test(template)) return template
  if (own === null) {
    report('the URL of a cell mapping is a template, but there is no URL to fill it from')
    return template
  }
  const parts = partsOf(own)
  const unknown = [...template.matchAll(/\{\{|\{(\w*)\}/g)].find(([, name]) => name !== undefined && !parts.has(name))
  if (unknown) {
    report(`the URL of a cell mapping has ${unknown[0]}, which is none of ${[...parts.keys()].join(', ')}`)
    return template
  }
  return template.replace(/\{\{|\}\}|\{(\w*)\}/g, (found, name?: string) => (name === undefined ? found[0]! : parts.get(name)!))
}

function partsOf(url: string): Map<string, string> {
  const [, scheme = '', netloc = '', path = '', query = '', fragment = ''] =
    /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(url) ?? []
  const parts = new Map<string, string>()
  const put = (host: Readonly<Record<string, string>>, suffix = '') => {
    for (const [name, value] of Object.entries(host)) parts.set(`${name}${suffix}`, value)
  }
  put(hostOf(netloc))
  put({ scheme: scheme.toLowerCase(), query, fragment, path: path.replace(/^\/+/, '') })
  if (netloc.includes(',')) for (const [index, each] of netloc.split(',').entries()) put(hostOf(each), String(index + 1))
  return parts
}

/** A password is handed on as it is written, and a part that is not there is empty. */
function hostOf(netloc: string): Readonly<Record<string, string>> {
  const at = netloc.lastIndexOf('@')
  const user = at < 0 ? '' : netloc.slice(0, at)
  const place = netloc.slice(at + 1)
  const colon = user.indexOf(':')
  const [, ipv6, name = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(place) ?? []
  return {
    username: colon < 0 ? user : user.slice(0, colon),
    password: colon < 0 ? '' : user.slice(colon + 1),
    hostname: ipv6 ?? name,
    port,
  }
}
