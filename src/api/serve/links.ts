/** Addresses in answers, as the client should use them (nova/api/openstack/common.py ViewBuilder). */
import { applicationUrl, type Request } from '../../app/contract.ts'
import type { Links } from '../spec/fields.ts'
import type { Query } from './validate.ts'

export interface Paging extends Links {
  /** The address of the page after `marker`. */
  next(collection: string, marker: string): string
}

export interface Linked {
  readonly request: Request
  /** As it was validated: parameters that nobody knows are out of it. */
  readonly query: Query
  readonly projectId: string | null
  /** [api] compute_link_prefix: it replaces scheme and host and goes before the path. */
  readonly prefix: string | null
}

export function linksOf({ request, query, projectId, prefix }: Linked): Paging {
  const here = applicationUrl(request)
  const base = prefixed(here, prefix)
  const unversioned = prefixed(here.replace(/\/v\d+(\.\d+)?(\/.*)?$/, ''), prefix)
  // nova/api/openstack/common.py _get_project_id: the project is in links when it stands anywhere in the request's address
  const project = projectId && (`${here}${request.path}`.includes(projectId) || inQuery(query, projectId)) ? projectId : ''
  const self = below((collection) => urlJoin(base, project, collection))
  const bookmark = below((collection) => urlJoin(unversioned, project, collection))
  return {
    self,
    bookmark,
    next(collection, marker) {
      const params: Record<string, string> = {}
      // Of a parameter that is given more than once, the last of its sorted values stays
      for (const key of Object.keys(query).sort()) params[key] = query[key]!.toSorted().at(-1)!
      params.marker = marker
      return `${urlJoin(base, project, collection)}?${Object.entries(params)
        .map((pair) => pair.map(quotePlus).join('='))
        .join('&')}`
    },
  }
}

const inQuery = (query: Query, text: string): boolean =>
  Object.entries(query).some(([name, values]) => name.includes(text) || values.some((value) => value.includes(text)))

/** Joins ids to the addresses of their collections, which are made once. */
function below(address: (collection: string) => string): (collection: string, id: string) => string {
  const known = new Map<string, string>()
  return (collection, id) => {
    let base = known.get(collection)
    if (base === undefined) known.set(collection, (base = address(collection)))
    return id.startsWith('/') || id.endsWith('/') ? urlJoin(base, id) : `${base}/${id}`
  }
}

/** The parts that are not empty, with one slash between, and one behind them when the last is empty. nova/api/openstack/common.py url_join */
export const urlJoin = (...parts: string[]): string =>
  parts
    .filter((part, i) => part !== '' || i === parts.length - 1)
    .map((part) => part.replace(/^\/+|\/+$/g, ''))
    .join('/')

/** An address with scheme, host and path before it replaced by a configured prefix. */
export function prefixed(url: string, prefix: string | null): string {
  if (!prefix) return url
  return prefix.replace(/\/+$/, '') + new URL(url).pathname.replace(/\/+$/, '')
}

/** Python's urllib.parse.quote_plus. */
const quotePlus = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
