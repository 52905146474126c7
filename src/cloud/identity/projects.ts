/** /v3/projects with their hierarchy and tags (keystone/api/projects.py, keystone/resource/core.py). */
import { type Call, reply } from '../service.ts'
import { targetsOf } from './effective.ts'
import { conflict, forbidden, invalid, missing } from './faults.ts'
import { filtered, flag, link, listed, member } from './lists.ts'
import { type Project, removeWhere, type Store } from './model.ts'
import { domainIdFor, extraOf, type IdentityRoutes, optionsOf, type Setting, sameId, type TokenCall, textOr, truth } from './resource.ts'
import { enforce } from './rules.ts'
import { bodyOf, check, checkQuery, type Fields } from './shapes.ts'
import { domainOf, projectNamed, projectOf, projectView } from './things.ts'

const known = ['id', 'name', 'domain_id', 'parent_id', 'is_domain', 'enabled', 'description', 'tags', 'options', 'links', 'extra']
/** Levels of projects below a domain ([DEFAULT] max_project_tree_depth). */
const deepest = 5

export function projectRoutes({ store, newId }: Setting): IdentityRoutes {
  const target = (call: TokenCall) => {
    const project = store.projects.get(call.params.project_id!)
    return project ? { project } : {}
  }
  const tagged = (call: TokenCall, project: Project, tags: readonly string[]) => {
    assertMutable(project, 'project', 'update')
    store.change(() => store.projects.put({ ...project, tags: tags.map((tag) => tag.trim()) }))
    return { tags, links: { self: link(call, `projects/${project.id}/tags`) } }
  }

  return {
    'GET /v3/projects': (call) => {
      checkQuery(call.query)
      const { domainId } = call.caller
      enforce(call.caller, 'list_projects', { domainId })
      const asked = filtered(store.projects.all(), call.query, ['domain_id', 'enabled', 'name', 'parent_id', 'is_domain'])
      const kind = call.query.has('is_domain') ? asked : asked.filter((project) => !project.is_domain)
      const shown = byTags(kind, call.query).filter((project) => domainId === null || project.domain_id === domainId)
      return listed(call, 'projects', shown.map(projectView))
    },
    'POST /v3/projects': (call) => {
      const fields = bodyOf('projectCreate', call.body, 'project')
      enforce(call.caller, 'create_project', { project: { domain_id: fields.domain_id } })
      return reply(201, { project: member(call, 'projects', projectView(createProject(store, newId(), call, fields))) })
    },
    'GET /v3/projects/:project_id': (call) => {
      enforce(call.caller, 'get_project', target(call))
      const project = projectOf(store, call.params.project_id!)
      return { project: { ...member(call, 'projects', projectView(project)), ...family(store, call, project) } }
    },
    'PATCH /v3/projects/:project_id': (call) => {
      const fields = bodyOf('projectUpdate', call.body, 'project')
      enforce(call.caller, 'update_project', target(call))
      sameId(fields, call.params.project_id)
      const project = updateProject(store, projectOf(store, call.params.project_id!), fields)
      // On purpose: Keystone's answer to a change holds what it does not know twice.
      const twice = Object.keys(project.extra).length > 0 ? { extra: project.extra } : {}
      return { project: { ...member(call, 'projects', projectView(project)), ...twice } }
    },
    'DELETE /v3/projects/:project_id': (call) => {
      enforce(call.caller, 'delete_project', target(call))
      const project = projectOf(store, call.params.project_id!)
      assertMutable(project, 'project', 'delete')
      if (project.is_domain && project.enabled)
        throw invalid(`cannot delete an enabled project acting as a domain. Please disable the project ${project.id} first.`)
      if (store.projects.find((other) => other.parent_id === project.id))
        throw forbidden(
          `Cannot delete the project ${project.id} since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.`,
        )
      store.change(() => removeProject(store, project.id))
    },
    'GET /v3/projects/:project_id/tags': (call) => {
      enforce(call.caller, 'list_project_tags', target(call))
      const { id, tags } = projectOf(store, call.params.project_id!)
      return { tags, links: { self: link(call, `projects/${id}/tags`) } }
    },
    'PUT /v3/projects/:project_id/tags': (call) => {
      enforce(call.caller, 'update_project_tags', target(call))
      const tags = check('tags', call.body ?? {}).tags as string[]
      return tagged(call, projectOf(store, call.params.project_id!), tags)
    },
    'DELETE /v3/projects/:project_id/tags': (call) => {
      enforce(call.caller, 'delete_project_tags', target(call))
      tagged(call, projectOf(store, call.params.project_id!), [])
    },
    'GET /v3/projects/:project_id/tags/:tag': (call) => {
      enforce(call.caller, 'get_project_tag', target(call))
      const tag = call.params.tag!
      if (!projectOf(store, call.params.project_id!).tags.includes(tag)) throw missing('project tag', tag)
    },
    'PUT /v3/projects/:project_id/tags/:tag': (call) => {
      enforce(call.caller, 'create_project_tag', target(call))
      const project = projectOf(store, call.params.project_id!)
      const tag = call.params.tag!
      check('tag', tag)
      const tags = [...project.tags, tag]
      check('tags', { tags })
      tagged(call, project, tags)
      return reply(201, null, [['Location', link(call, `projects/${project.id}/tags/${encodeURIComponent(tag)}`)]])
    },
    'DELETE /v3/projects/:project_id/tags/:tag': (call) => {
      enforce(call.caller, 'delete_project_tag', target(call))
      const project = projectOf(store, call.params.project_id!)
      const tag = call.params.tag!
      if (!project.tags.includes(tag)) throw missing('project tag', tag)
      tagged(
        call,
        project,
        project.tags.filter((other) => other !== tag),
      )
    },
  }
}

/** `tags` and `not-tags` ask for all of them, `tags-any` and `not-tags-any` for one. */
function byTags(projects: readonly Project[], query: URLSearchParams): Project[] {
  const wanted = (name: string) => query.get(name)?.split(',') ?? null
  const [all, any, notAll, notAny] = ['tags', 'tags-any', 'not-tags', 'not-tags-any'].map(wanted) as [
    string[] | null,
    ...(string[] | null)[],
  ]
  return projects.filter(({ tags }) => {
    const has = (tag: string) => tags.includes(tag)
    return !((all && !all.every(has)) || (any && !any.some(has)) || (notAll?.every(has) ?? false) || (notAny?.some(has) ?? false))
  })
}

function createProject(store: Store, id: string, call: TokenCall, fields: Fields): Project {
  const isDomain = truth(fields.is_domain, false)
  const domainId = isDomain ? null : domainIdFor(call, fields.domain_id)
  const parentId = isDomain ? ((fields.parent_id as string | null | undefined) ?? null) : (fields.parent_id as string) || domainId
  const project: Project = {
    id,
    name: (fields.name as string).trim(),
    domain_id: domainId,
    description: textOr(fields.description, ''),
    enabled: truth(fields.enabled, true),
    parent_id: parentId,
    is_domain: isDomain,
    tags: (fields.tags as string[] | undefined) ?? [],
    options: optionsOf(fields.options),
    extra: extraOf(fields, known),
  }
  return addProject(store, project)
}

/** Adds a project or domain after Keystone's checks: the parent is there, enabled and of the domain, the name is free. */
export function addProject(store: Store, project: Project): Project {
  if (project.is_domain) {
    if (project.parent_id) throw invalid('only root projects are allowed to act as domains.')
  } else assertPlace(store, project)
  assertNameFree(store, project)
  return store.change(() => store.projects.put(project))
}

function assertPlace(store: Store, { domain_id, parent_id }: Project): void {
  const domain = asBadRequest(() => domainOf(store, domain_id!))
  const parent = asBadRequest(() => projectOf(store, parent_id!))
  if (parent.is_domain && parent.id !== domain.id)
    throw invalid(
      `Cannot create project, the parent (${parent.id}) is acting as a domain, but this project's domain id (${domain.id}) does not match the parent's id.`,
    )
  if (!parent.is_domain && parent.domain_id !== domain.id)
    throw invalid(
      `Cannot create project, since it specifies its domain_id ${domain.id}, but specifies a parent in a different domain (${parent.domain_id}).`,
    )
  const above = [...ancestors(store, parent), parent]
  const disabled = above.find((one) => !one.enabled)
  if (disabled) throw invalid(`cannot create a project in a branch containing a disabled project: ${disabled.id}`)
  if (above.length > deepest) throw forbidden(`Max hierarchy depth reached for ${parent.id} branch.`)
}

/** Keystone tells of a domain or parent that is not there as 400 here. */
function asBadRequest<T>(find: () => T): T {
  try {
    return find()
  } catch (error) {
    throw invalid((error as Error).message)
  }
}

export function assertNameFree(store: Store, project: Project): void {
  const other = projectNamed(store, project.name, project.domain_id)
  if (!other || other.id === project.id) return
  throw conflict(
    'project',
    project.is_domain
      ? `it is not permitted to have two projects acting as domains with the same name: ${project.name}`
      : `it is not permitted to have two projects with either the same name or same id in the same domain: name is ${project.name}, project id ${project.id}`,
  )
}

/** Changes a project or domain (keystone/resource/core.py _update_project). */
export function updateProject(store: Store, project: Project, fields: Fields): Project {
  const kind = project.is_domain ? 'domain' : 'project'
  if (fields.domain_id !== undefined && fields.domain_id !== project.domain_id) throw invalid('Cannot change Domain ID')
  assertMutable(project, kind, 'update', fields)
  if (fields.parent_id !== undefined && fields.parent_id !== project.parent_id) throw forbidden('Update of `parent_id` is not allowed.')
  if (fields.is_domain !== undefined && truth(fields.is_domain, false) !== project.is_domain)
    throw invalid('Update of `is_domain` is not allowed.')
  const changed: Project = {
    ...project,
    name: fields.name === undefined ? project.name : (fields.name as string).trim(),
    description: textOr(fields.description, project.description),
    enabled: truth(fields.enabled, project.enabled),
    tags: (fields.tags as string[] | undefined) ?? project.tags,
    options: optionsOf(fields.options, project.options),
    extra: { ...project.extra, ...extraOf(fields, known) },
  }
  if (!project.enabled && changed.enabled && ancestors(store, project).some((one) => !one.enabled))
    throw forbidden(`Cannot enable project ${project.id} since it has disabled parents`)
  if (project.enabled && !changed.enabled && !project.is_domain && subtree(store, project.id).some((one) => one.enabled))
    throw forbidden(`Cannot disable project ${project.id} since its subtree contains enabled projects.`)
  assertNameFree(store, changed)
  return store.change(() => store.projects.put(changed))
}

/** 403 for a thing with the option `immutable`, unless the change is to take that option away. */
export function assertMutable(
  thing: { readonly id: string; readonly options: Readonly<Record<string, unknown>> },
  type: string,
  verb: 'update' | 'delete',
  fields: Fields = {},
): void {
  const lifted = (fields.options as Fields | undefined)?.immutable === false
  if (thing.options.immutable === true && !lifted)
    throw forbidden(`Unable to ${verb} immutable ${type} resource: \`${thing.id}. Set resource option "immutable" to false first.`)
}

/** Removes a project with everything that is said of it; only inside `change`. */
export function removeProject(store: Store, id: string): void {
  store.projects.remove(id)
  removeWhere(store.assignments, (one) => one.target !== 'system' && one.target_id === id)
  removeWhere(store.applicationCredentials, (one) => one.project_id === id)
  removeWhere(store.limits, (one) => one.project_id === id || one.domain_id === id)
  for (const user of store.users.filter((one) => one.default_project_id === id)) store.users.put({ ...user, default_project_id: null })
}

/** Those above, the domain first. */
function ancestors(store: Store, project: Project): Project[] {
  const parent = project.parent_id === null ? undefined : store.projects.get(project.parent_id)
  return parent ? [...ancestors(store, parent), parent] : []
}

/** All below, nearest first. */
export function subtree(store: Store, id: string): Project[] {
  const children = store.projects.filter((one) => one.parent_id === id)
  return [...children, ...children.flatMap((child) => subtree(store, child.id))]
}

/** The parents and children that the query asks for: as a list of those the caller has roles on, or as a tree of ids. */
function family(store: Store, call: TokenCall, project: Project): Record<string, unknown> {
  for (const side of ['parents', 'subtree'])
    if (flag(call, `${side}_as_list`) && flag(call, `${side}_as_ids`))
      throw invalid(`Cannot use ${side}_as_list and ${side}_as_ids query params at the same time.`)
  const mine = new Set(targetsOf(store, call.caller.userId, 'project'))
  const shown = (projects: readonly Project[]) => projects.filter((one) => mine.has(one.id)).map((one) => wrap(call, one))
  return {
    ...(flag(call, 'parents_as_list') && { parents: shown(ancestors(store, project).reverse()) }),
    ...(flag(call, 'parents_as_ids') && { parents: parentIds(store, project) }),
    ...(flag(call, 'subtree_as_list') && { subtree: shown(subtree(store, project.id)) }),
    ...(flag(call, 'subtree_as_ids') && { subtree: childIds(store, project.id) }),
  }
}

const wrap = (call: Call, project: Project) => ({ project: member(call, 'projects', projectView(project)) })

type Tree = { [id: string]: Tree | null }

function parentIds(store: Store, { parent_id }: Project): Tree | null {
  const parent = parent_id === null ? undefined : store.projects.get(parent_id)
  return parent ? { [parent.id]: parentIds(store, parent) } : null
}

function childIds(store: Store, id: string): Tree | null {
  const children = store.projects.filter((one) => one.parent_id === id)
  return children.length === 0 ? null : Object.fromEntries(children.map((child) => [child.id, childIds(store, child.id)]))
}
