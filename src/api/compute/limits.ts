/** What a project may have and has: /limits. */
import { quotaDetail } from '../../compute/quota-sets.ts'
import type { Resource } from '../../compute/quotas.ts'
import { last } from '../serve/query.ts'
import type { Microversion } from '../spec/history.ts'
import { type Call, op, plain, resource } from '../spec/operation.ts'
import * as p from '../spec/parameters.ts'
import { type Of, query } from '../spec/shape.ts'

const limitsQuery = query({ tenant_id: p.anyTexts }, { others: { until: '2.74' } })

export const limits = resource({
  'GET /limits': op({
    query: limitsQuery,
    rule: 'os_compute_api:limits',
    target: () => ({}),
    reply: plain(),
    run: show,
  }),
})

type Line = readonly [name: string, resource: Resource, until?: Microversion]

/** The version behind a name is the first that does not show it. */
const most: readonly Line[] = [
  ['maxTotalRAMSize', 'ram'],
  ['maxTotalInstances', 'instances'],
  ['maxTotalCores', 'cores'],
  ['maxTotalKeypairs', 'key_pairs'],
  ['maxTotalFloatingIps', 'floating_ips', '2.36'],
  ['maxServerMeta', 'metadata_items'],
  ['maxImageMeta', 'metadata_items', '2.39'],
  ['maxPersonality', 'injected_files', '2.57'],
  ['maxPersonalitySize', 'injected_file_content_bytes', '2.57'],
  ['maxSecurityGroups', 'security_groups', '2.36'],
  ['maxSecurityGroupRules', 'security_group_rules', '2.36'],
  ['maxServerGroups', 'server_groups'],
  ['maxServerGroupMembers', 'server_group_members'],
]
const used: readonly Line[] = [
  ['totalRAMUsed', 'ram'],
  ['totalCoresUsed', 'cores'],
  ['totalInstancesUsed', 'instances'],
  ['totalFloatingIpsUsed', 'floating_ips', '2.36'],
  ['totalSecurityGroupsUsed', 'security_groups', '2.36'],
  ['totalServerGroupsUsed', 'server_groups'],
]

async function show({ backends, context, query, authorize, at }: Call & { query: Of<typeof limitsQuery> }) {
  const other = last(query, 'tenant_id')
  if (other !== undefined) authorize('os_compute_api:limits:other_project')
  const detail = await quotaDetail(backends, other ?? context.projectId ?? '')
  const lines = (table: readonly Line[], what: 'limit' | 'in_use') =>
    table.filter(([, , gone]) => !gone || !at(gone)).map(([name, of]) => [name, detail[of][what]])
  return { limits: { rate: [], absolute: Object.fromEntries([...lines(most, 'limit'), ...lines(used, 'in_use')]) } }
}
