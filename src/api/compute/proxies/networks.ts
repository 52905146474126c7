/** Networks, which are Neutron's: /os-networks, /os-tenant-networks and /os-floating-ip-pools, until 2.35. */
import { findNetwork, floatingPools, listNetworks, type Network } from '../../../compute/proxies/networks.ts'
import { type Call, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'

/** nova/api/openstack/compute/networks.py network_dict: what networks of Nova's own had, all of it null but id and label. */
const fields = ['id', 'cidr', 'netmask', 'gateway', 'broadcast', 'dns1', 'dns2', 'cidr_v6', 'gateway_v6', 'label', 'netmask_v6']
const adminFields = [
  'created_at',
  'updated_at',
  'deleted_at',
  'deleted',
  'injected',
  'bridge',
  'vlan',
  'vpn_public_address',
  'vpn_public_port',
  'vpn_private_address',
  'dhcp_start',
  'project_id',
  'host',
  'bridge_interface',
  'multi_host',
  'priority',
  'rxtx_base',
  'mtu',
  'dhcp_server',
  'enable_dhcp',
  'share_address',
]

function shown({ context }: Call, { id, name }: Network) {
  const all = context.isAdmin ? [...fields, ...adminFields] : fields
  return { ...Object.fromEntries(all.map((field) => [field, null])), id, label: name }
}

/** Nova never knew the addresses of a Neutron network: it says None, as text. */
const ofTenant = ({ id, name }: Network) => ({ id, cidr: 'None', label: name })

const proxy = { until: '2.35', query: p.anything, reply: plain() } as const

export const networks = resource({
  'GET /os-networks': op({
    ...proxy,
    rule: 'os_compute_api:os-networks:list',
    run: async (call) => ({ networks: (await listNetworks(call.backends, call.context)).map((each) => shown(call, each)) }),
  }),
  'GET /os-networks/:id': op({
    ...proxy,
    rule: 'os_compute_api:os-networks:show',
    errors: [404],
    run: async (call) => ({ network: shown(call, await findNetwork(call.backends, call.context, call.params.id!)) }),
  }),
  // Nova looks for default networks of another project without a token, and so never finds any
  'GET /os-tenant-networks': op({
    ...proxy,
    rule: 'os_compute_api:os-tenant-networks:list',
    run: async ({ backends, context }) => ({ networks: (await listNetworks(backends, context)).map(ofTenant) }),
  }),
  'GET /os-tenant-networks/:id': op({
    ...proxy,
    rule: 'os_compute_api:os-tenant-networks:show',
    errors: [404],
    run: async ({ backends, context, params }) => ({ network: ofTenant(await findNetwork(backends, context, params.id!)) }),
  }),
  'GET /os-floating-ip-pools': op({
    ...proxy,
    query: p.anyParameters,
    rule: 'os_compute_api:os-floating-ip-pools',
    target: () => ({}),
    run: async ({ backends, context }) => ({
      floating_ip_pools: (await floatingPools(backends, context)).map(({ id, name }) => ({ name: name || id })),
    }),
  }),
})
