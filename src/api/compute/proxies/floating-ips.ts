/** Floating addresses, which are Neutron's: /os-floating-ips, until 2.35. */
import {
  allocateFloatingIp,
  type FloatingIp,
  findFloatingIp,
  listFloatingIps,
  releaseFloatingIp,
} from '../../../compute/proxies/floating-ips.ts'
import { nothing, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { json } from '../../spec/shape.ts'

const createBody = json<{ pool?: string | null } | null>({
  type: ['object', 'null'],
  properties: { pool: { type: ['string', 'null'] } },
})

const shown = ({ id, address, fixedAddress, pool, serverId }: FloatingIp) => ({
  fixed_ip: fixedAddress,
  id,
  instance_id: serverId,
  ip: address,
  pool,
})

export const floatingIps = resource({
  'GET /os-floating-ips': op({
    until: '2.35',
    query: p.anything,
    rule: 'os_compute_api:os-floating-ips:list',
    reply: plain(),
    run: async ({ backends, context }) => ({ floating_ips: (await listFloatingIps(backends, context)).map(shown) }),
  }),
  'GET /os-floating-ips/:id': op({
    until: '2.35',
    query: p.anything,
    rule: 'os_compute_api:os-floating-ips:show',
    errors: [400, 404],
    reply: plain(),
    run: async ({ backends, context, params }) => ({ floating_ip: shown(await findFloatingIp(backends, context, params.id!)) }),
  }),
  'POST /os-floating-ips': op({
    until: '2.35',
    body: createBody,
    rule: 'os_compute_api:os-floating-ips:create',
    errors: [400, 403, 404],
    reply: plain(),
    run: async ({ backends, context, body }) => ({
      floating_ip: shown(await allocateFloatingIp(backends, context, body?.pool || undefined)),
    }),
  }),
  'DELETE /os-floating-ips/:id': op({
    until: '2.35',
    rule: 'os_compute_api:os-floating-ips:delete',
    status: 202,
    errors: [400, 403, 404, 409],
    reply: nothing,
    run: ({ backends, context, params }) => releaseFloatingIp(backends, context, params.id!),
  }),
})
