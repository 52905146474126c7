/** Flavors: /flavors, their extra specs and access lists. */
import { Fault } from '../../../compute/faults.ts'
import * as compute from '../../../compute/flavors.ts'
import type { FlavorPage } from '../../../stores/api/flavors.ts'
import { pageOf } from '../../serve/paging.ts'
import { last } from '../../serve/query.ts'
import { booleanFrom } from '../../serve/values.ts'
import { type Call, many, nothing, one, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { printablePattern } from '../../spec/printable.ts'
import { json, type Of, object, query, Shape, many as several, words } from '../../spec/shape.ts'
import { until } from '../../spec/span.ts'
import { checkExtraSpec } from './known-extra-specs.ts'
import { brief, full } from './view.ts'

const size = (minimum: number) => json<number | string>({ type: ['integer', 'string'], pattern: '^[0-9]+$', minimum, maximum: 0x7fffffff })
const rxtxFactor = json<number | string>({
  type: ['number', 'string'],
  pattern: '^[0-9]+(\\.[0-9]+)?$',
  exclusiveMinimum: 0,
  maximum: 3.40282e38,
})
const flavorId = json<string | number | null>({
  type: ['string', 'number', 'null'],
  minLength: 1,
  maxLength: 255,
  pattern: '^(?! )[a-zA-Z0-9. _-]+(?<! )$',
})
const description = new Shape<string | null>(() => ({
  type: ['string', 'null'],
  minLength: 0,
  maxLength: 65535,
  pattern: printablePattern(),
}))

const createBody = object(
  {
    flavor: object(
      {
        name: [p.nameWithSpaces.until('2.0'), p.name.since('2.1')],
        id: flavorId,
        ram: size(1),
        vcpus: size(1),
        disk: size(0),
        'OS-FLV-EXT-DATA:ephemeral': size(0),
        swap: size(0),
        rxtx_factor: rxtxFactor.until('2.101'),
        'os-flavor-access:is_public': p.boolean,
        description: description.since('2.55'),
      },
      { required: ['name', 'ram', 'vcpus', 'disk'] },
    ),
  },
  { required: ['flavor'] },
)

const updateBody = object({ flavor: object({ description }, { required: ['description'] }) }, { required: ['flavor'] })

const listQuery = query(
  {
    ...p.page,
    is_public: p.anyTexts,
    minRam: p.anyTexts,
    minDisk: p.anyTexts,
    sort_key: several(
      words([
        'created_at',
        'description',
        'disabled',
        'ephemeral_gb',
        'flavorid',
        'id',
        'is_public',
        'memory_mb',
        'name',
        'root_gb',
        until('2.101', 'rxtx_factor'),
        'swap',
        'updated_at',
        'vcpu_weight',
        'vcpus',
      ]),
    ),
    sort_dir: several(words(['asc', 'desc'])),
    name: p.anyTexts.since('2.102'),
  },
  { others: { until: '2.74' } },
)

const specValue = json<string | number>({ type: ['string', 'number'], maxLength: 255 })
const specs = { matching: { '^[a-zA-Z0-9-_:. ]{1,255}$': specValue } }
const specsBody = object({ extra_specs: object({}, specs) }, { required: ['extra_specs'] })
const specBody = object({}, { ...specs, rules: { minProperties: 1, maxProperties: 1 } })

const tenant = object({ tenant: json<string>({ type: 'string', minLength: 1, maxLength: 255 }) }, { required: ['tenant'] })
const nobody = () => ({})

export const flavors = resource({
  'GET /flavors': op({ query: listQuery, errors: [400], reply: many('flavors', brief, pages('flavors')), run: list }),
  'GET /flavors/detail': op({ query: listQuery, errors: [400], reply: many('flavors', full, pages('flavors/detail')), run: list }),
  'GET /flavors/:id': op({
    query: p.noParameters,
    errors: [404],
    reply: one('flavor', full),
    run: ({ backends, context, params }) => compute.findFlavor(backends, context, params.id!),
  }),
  'POST /flavors': op({
    body: createBody,
    rule: 'os_compute_api:os-flavor-manage:create',
    target: nobody,
    errors: [400, 409],
    reply: one('flavor', full),
    run: create,
  }),
  'PUT /flavors/:id': op({
    since: '2.55',
    body: updateBody,
    rule: 'os_compute_api:os-flavor-manage:update',
    target: nobody,
    errors: [400, 404],
    reply: one('flavor', full),
    run: ({ backends, context, params, body }) => compute.describeFlavor(backends, context, params.id!, body.flavor.description),
  }),
  'DELETE /flavors/:id': op({
    rule: 'os_compute_api:os-flavor-manage:delete',
    target: nobody,
    status: 202, // not 204: kept for old clients
    errors: [404],
    reply: nothing,
    run: ({ backends, context, params }) => compute.deleteFlavor(backends, context, params.id!),
  }),

  'GET /flavors/:flavor_id/os-extra_specs': op({
    query: p.noParameters,
    rule: 'os_compute_api:os-flavor-extra-specs:index',
    target: ({ context }) => ({ project_id: context.projectId }),
    errors: [404],
    reply: plain(),
    run: async ({ backends, context, params }) => ({
      extra_specs: (await compute.findFlavor(backends, context, params.flavor_id!)).extraSpecs,
    }),
  }),
  'POST /flavors/:flavor_id/os-extra_specs': op({
    body: specsBody,
    rule: 'os_compute_api:os-flavor-extra-specs:create',
    target: nobody,
    errors: [400, 404, 409],
    reply: plain(),
    run: async (call) => {
      await setSpecs(call, call.params.flavor_id!, call.body.extra_specs)
      return call.body
    },
  }),
  'GET /flavors/:flavor_id/os-extra_specs/:id': op({
    query: p.noParameters,
    rule: 'os_compute_api:os-flavor-extra-specs:show',
    target: ({ context }) => ({ project_id: context.projectId }),
    errors: [404],
    reply: plain(),
    run: async ({ backends, context, params: { flavor_id, id } }) => ({
      [id!]: await compute.extraSpec(backends, context, flavor_id!, id!),
    }),
  }),
  'PUT /flavors/:flavor_id/os-extra_specs/:id': op({
    body: specBody,
    rule: 'os_compute_api:os-flavor-extra-specs:update',
    target: nobody,
    errors: [400, 404, 409],
    reply: plain(),
    run: async (call) => {
      await setSpecs(call, call.params.flavor_id!, call.body, call.params.id!)
      return call.body
    },
  }),
  'DELETE /flavors/:flavor_id/os-extra_specs/:id': op({
    rule: 'os_compute_api:os-flavor-extra-specs:delete',
    target: nobody,
    errors: [404],
    reply: nothing,
    run: ({ backends, context, params: { flavor_id, id } }) => compute.deleteExtraSpec(backends, context, flavor_id!, id!),
  }),

  'GET /flavors/:flavor_id/os-flavor-access': op({
    query: p.noParameters,
    rule: 'os_compute_api:os-flavor-access',
    errors: [404],
    reply: plain(),
    run: async ({ backends, context, params }) => accessList(await compute.flavorAccess(backends, context, params.flavor_id!)),
  }),
  'POST /flavors/:id/action addTenantAccess': op({
    body: object({ addTenantAccess: tenant }, { required: ['addTenantAccess'] }),
    rule: 'os_compute_api:os-flavor-access:add_tenant_access',
    target: nobody,
    errors: [400, 403, 404, 409],
    reply: plain(),
    run: async ({ backends, context, params, body, at }) =>
      accessList(await compute.addAccess(backends, context, params.id!, body.addTenantAccess.tenant, { publicToo: !at('2.7') })),
  }),
  'POST /flavors/:id/action removeTenantAccess': op({
    body: object({ removeTenantAccess: tenant }, { required: ['removeTenantAccess'] }),
    rule: 'os_compute_api:os-flavor-access:remove_tenant_access',
    target: nobody,
    errors: [400, 403, 404],
    reply: plain(),
    run: async ({ backends, context, params, body }) =>
      accessList(await compute.removeAccess(backends, context, params.id!, body.removeTenantAccess.tenant)),
  }),
})

function pages(collection: string) {
  return { next: { collection, marker: (flavor: { flavorid: string }) => flavor.flavorid } }
}

const accessList = (access: readonly compute.Access[]) => ({
  flavor_access: access.map(({ flavorid, projectId }) => ({ flavor_id: flavorid, tenant_id: projectId })),
})

function list({ backends, context, query }: Call & { query: Of<typeof listQuery> }) {
  const text = (name: 'minRam' | 'minDisk' | 'is_public' | 'name' | 'sort_key' | 'sort_dir') => last(query, name)
  const { limit, marker } = pageOf(query, backends.settings.api.maxLimit)
  const page: FlavorPage = {
    sortKey: text('sort_key') || 'flavorid',
    sortDir: text('sort_dir') === 'desc' ? 'desc' : 'asc',
    limit,
    marker,
  }
  const seen = context.isAdmin ? { isPublic: publicity(text('is_public')) } : { isPublic: true, disabled: false }
  return compute.listFlavors(
    backends,
    {
      ...seen,
      projectId: context.projectId,
      minMemoryMb: least('minRam', text('minRam')),
      minRootGb: least('minDisk', text('minDisk')),
      name: text('name'),
    },
    page,
  )
}

/** Public ones unless asked otherwise; `none` shows all. */
function publicity(asked: string | undefined): boolean | undefined {
  if (asked === undefined) return true
  if (asked.toLowerCase() === 'none') return undefined
  const wanted = booleanFrom(asked)
  if (wanted === undefined) throw new Fault('badRequest', `Invalid is_public filter [${asked}]`)
  return wanted
}

function least(name: string, asked: string | undefined): number | undefined {
  if (asked === undefined) return undefined
  if (!/^\s*[+-]?\d+(_\d+)*\s*$/.test(asked)) throw new Fault('badRequest', `Invalid ${name} filter [${asked}]`)
  return Number(asked.replaceAll('_', ''))
}

function create({ backends, context, body: { flavor } }: Call & { body: Of<typeof createBody> }) {
  return compute.createFlavor(backends, context, {
    flavorid: flavor.id === undefined || flavor.id === null || flavor.id === 0 ? undefined : String(flavor.id),
    name: flavor.name.trim(),
    memoryMb: Number(flavor.ram),
    vcpus: Number(flavor.vcpus),
    rootGb: Number(flavor.disk),
    ephemeralGb: Number(flavor['OS-FLV-EXT-DATA:ephemeral'] ?? 0),
    swap: Number(flavor.swap ?? 0),
    rxtxFactor: Number(flavor.rxtx_factor ?? 1),
    isPublic: booleanFrom(flavor['os-flavor-access:is_public'] ?? true) ?? true,
    description: flavor.description ?? null,
  })
}

async function setSpecs({ backends, context, at }: Call, flavorid: string, specs: object, only?: string): Promise<void> {
  for (const [name, value] of Object.entries(specs)) {
    if (typeof value === 'number' && String(value).length > 255)
      throw new Fault('badRequest', `extra_specs value has ${String(value).length} characters, more than 255.`)
    if (at('2.86')) checkExtraSpec(name, value)
  }
  if (only !== undefined && !Object.hasOwn(specs, only)) throw new Fault('badRequest', 'Request body and URI mismatch')
  const texts = Object.fromEntries(Object.entries(specs).map(([name, value]) => [name, String(value)]))
  await compute.setExtraSpecs(backends, context, flavorid, texts)
}
