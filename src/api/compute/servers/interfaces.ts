/** Interfaces of servers: /servers/:server_id/os-interface. */
import { Fault } from '../../../compute/faults.ts'
import { attachInterface, detachInterface, findPort, type Port, portsOf, tagsOfPorts } from '../../../compute/servers/interfaces.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { type Call, nothing, op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { type Of, object, Shape } from '../../spec/shape.ts'
import { ofProject, serverAbove } from './member.ts'

const address = object({ ip_address: p.ipAddress }, { required: ['ip_address'] })

const oneAddress = new Shape<Of<typeof address>[]>((minor) => ({ type: 'array', minItems: 1, maxItems: 1, items: address.build(minor) }))

const attachBody = object({
  interfaceAttachment: object({
    net_id: p.uuid,
    port_id: p.uuid,
    fixed_ips: oneAddress,
    tag: p.tag.since('2.49'),
  }),
})

const member = { load: serverAbove, target: ofProject, reply: plain() } as const

/** `tags` are those of ports that were attached with one; undefined before 2.70. */
const shown = ({ id, network_id, mac_address, status, fixed_ips }: Port, tags: ReadonlyMap<string, string | null> | undefined) => ({
  net_id: network_id,
  port_id: id,
  mac_addr: mac_address,
  port_state: status,
  fixed_ips: fixed_ips ?? null,
  ...(tags && { tag: tags.get(id) ?? null }),
})

type MemberCall = Call & { readonly member: Server }

const tagsFor = async ({ backends, member, at }: MemberCall) => (at('2.70') ? tagsOfPorts(backends, member) : undefined)

async function show(call: MemberCall, portId: string): Promise<object> {
  const { backends, context, member } = call
  const port = await findPort(backends, context, member, portId)
  return { interfaceAttachment: shown(port, await tagsFor(call)) }
}

export const interfaces = resource({
  'GET /servers/:server_id/os-interface': op({
    ...member,
    query: p.noParameters,
    rule: 'os_compute_api:os-attach-interfaces:list',
    errors: [404, 501],
    async run(call) {
      const ports = await portsOf(call.backends, call.context, call.member)
      const tags = await tagsFor(call)
      return { interfaceAttachments: ports.map((port) => shown(port, tags)) }
    },
  }),
  'GET /servers/:server_id/os-interface/:id': op({
    ...member,
    query: p.noParameters,
    rule: 'os_compute_api:os-attach-interfaces:show',
    errors: [403, 404],
    run: (call) => show(call, call.params.id!),
  }),
  'POST /servers/:server_id/os-interface': op({
    ...member,
    body: attachBody,
    rule: 'os_compute_api:os-attach-interfaces:create',
    errors: [400, 403, 404, 409, 500, 501],
    async run(call) {
      const { backends, context, member, body, authorize } = call
      const { net_id: networkId = null, port_id: portId = null, fixed_ips: addresses, tag = null } = body.interfaceAttachment ?? {}
      const wanted = addresses?.[0]?.ip_address ?? null
      if (networkId && portId) throw new Fault('badRequest', 'Must not input both network_id and port_id')
      if (wanted && !networkId) throw new Fault('badRequest', 'Must input network_id when request IP address')
      const attached = await attachInterface(backends, context, member, { networkId, portId, address: wanted, tag })
      // nova/api/openstack/compute/attach_interfaces.py create: it ends as showing it does
      authorize('os_compute_api:os-attach-interfaces:show', ofProject(call))
      return show(call, attached)
    },
  }),
  'DELETE /servers/:server_id/os-interface/:id': op({
    ...member,
    rule: 'os_compute_api:os-attach-interfaces:delete',
    status: 202,
    errors: [400, 404, 409, 501],
    reply: nothing,
    run: ({ backends, context, member, params }) => detachInterface(backends, context, member, params.id!),
  }),
})
