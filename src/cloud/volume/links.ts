/** Addresses in answers: of a member, and of the next page of a list. */
import type { VolumeCall } from './state.ts'

const withProject = (call: VolumeCall, path: string): string => (call.urlProject ? `/${call.urlProject}${path}` : path)

/** `self` with the version in it, `bookmark` without. */
export const linksTo = (call: VolumeCall, collection: string, id: string) => {
  const path = withProject(call, `/${collection}/${id}`)
  return [
    { rel: 'self', href: `${call.baseUrl}/v3${path}` },
    { rel: 'bookmark', href: `${call.baseUrl}${path}` },
  ]
}

/** A link to what follows the item of this id. */
export function nextLink(call: VolumeCall, collection: string, last: string) {
  const query = new URLSearchParams(call.query)
  query.delete('marker')
  query.append('marker', last)
  return [{ rel: 'next', href: `${call.baseUrl}/v3${withProject(call, `/${collection}`)}?${query}` }]
}
