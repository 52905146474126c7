/** What a request is about, whatever the address, the endpoint version and the project in its URL are. */

/** `/servers/1b2…/tags` of `/v2.1/0f3…/servers/1b2…/tags?x=1`, with or without a prefix such as `/compute` before. */
export function routeOf(target: string): string {
  const [path = ''] = target.split('?', 1)
  const route = path.replace(
    /^(?:\/[^/]+)?\/v2(?:\.1)?(?=\/|$)(?:\/(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=\/))?/,
    '',
  )
  return route === '' ? '/' : route
}

const id = /^(?:\d+|[0-9a-f]{32}|req-[0-9a-f-]{36}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** The same with `{id}` in place of ids, so that requests of one kind can be counted together. */
export const kindOf = (route: string): string =>
  route
    .split('/')
    .map((part) => (id.test(part) ? '{id}' : part))
    .join('/')
