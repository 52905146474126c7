/** `/v2.0/{resource}/{id}/tags`. neutron/extensions/tagging.py */
import { type AuthenticatedCall, type Routes, reply } from '../service.ts'
import { isDictionary, listOf, text } from './checks.ts'
import type { Standard } from './documents.ts'
import { fault, invalidInput } from './faults.ts'
import { floatingIps } from './floatingips.ts'
import { networks } from './networks.ts'
import { enforce } from './policy.ts'
import { ports } from './ports.ts'
import { type Resource, routeOf, targetOf } from './resource.ts'
import { routers } from './routers.ts'
import { securityGroups } from './security-groups.ts'
import { changed, type Neutron } from './state.ts'
import { subnetPools } from './subnetpools.ts'
import { subnets } from './subnets.ts'

const mostTags = 50
const longestTag = 255

type Tagged = Resource<Standard>
const tagged = [networks, subnets, subnetPools, ports, routers, floatingIps, securityGroups] as unknown as readonly Tagged[]

export const tagRoutes = (neutron: Neutron): Routes => Object.assign({}, ...tagged.map((resource) => routesOf(resource, neutron)))

function routesOf(resource: Tagged, neutron: Neutron): Routes {
  const path = `${routeOf(resource)}/:id/tags`
  const read = (call: AuthenticatedCall) => rowFor(resource, neutron, 'get', call).tags
  const change = (verb: 'create' | 'update' | 'delete', call: AuthenticatedCall, next: (tags: readonly string[]) => readonly string[]) => {
    const row = rowFor(resource, neutron, verb, call)
    const tags = [...new Set(next(row.tags))]
    if (tags.length > mostTags)
      throw fault('BadRequest', resource.collection, `The number of tags exceed the per-resource limit of ${mostTags}`)
    neutron.store.write(() => resource.table(neutron.store).put(changed(neutron, row, { tags })))
    return tags
  }
  return {
    [`GET ${path}`]: (call) => ({ tags: read(call) }),
    [`GET ${path}/:tag`]: (call) => {
      if (!read(call).includes(tagOf(call))) throw fault('TagNotFound', call.params.tag!)
    },
    [`PUT ${path}`]: (call) => ({ tags: change('update', call, () => tagsOf(call)) }),
    [`POST ${path}`]: (call) => ({ tags: change('create', call, (tags) => [...tags, ...tagsOf(call)]) && tagsOf(call) }),
    [`PUT ${path}/:tag`]: (call) => {
      const tag = tagOf(call)
      change('update', call, (tags) => [...tags, tag])
      // `null` on purpose: Neutron says 201 with an empty JSON document.
      return reply(201, new TextEncoder().encode('null'), [['Content-Type', 'application/json']])
    },
    [`DELETE ${path}`]: (call) => void change('delete', call, () => []),
    [`DELETE ${path}/:tag`]: (call) => {
      const tag = tagOf(call)
      change('delete', call, (tags) => {
        if (!tags.includes(tag)) throw fault('TagNotFound', tag)
        return tags.filter((one) => one !== tag)
      })
    },
  }
}

/** Found whoever asks, as in Neutron; the rule of the tags decides, with 403 also for what the caller cannot see. */
function rowFor(resource: Tagged, neutron: Neutron, verb: string, { caller, params }: AuthenticatedCall): Standard {
  const row = resource.table(neutron.store).get(params.id!)
  // Neutron answers 500 here, since it looks for the type of what it did not find.
  if (!row) throw fault('TagResourceNotFound', resource.collection, params.id!)
  const operation = { neutron, caller }
  enforce(`${verb}_${resource.name}:tags`, targetOf(resource, row, operation), operation)
  return row
}

function tagOf({ params }: AuthenticatedCall): string {
  const reason = text(longestTag)(params.tag)
  if (reason) throw invalidInput(reason)
  return params.tag!
}

function tagsOf({ body }: AuthenticatedCall): string[] {
  if (!isDictionary(body) || !('tags' in body)) throw invalidInput('Invalid tags body')
  const reason = listOf(text(longestTag))(body.tags)
  if (reason) throw invalidInput(reason)
  return body.tags as string[]
}
