/** Actions on a server's addresses, until 2.43, and on its security groups. */
import { Fault } from '../../../../compute/faults.ts'
import { addFixedIp, removeFixedIp } from '../../../../compute/servers/fixed-ips.ts'
import { addFloatingIp, removeFloatingIp, serverWithFloatingIp } from '../../../../compute/servers/floating-ips.ts'
import { addSecurityGroup, removeSecurityGroup } from '../../../../compute/servers/security-groups.ts'
import { nothing, op, resource } from '../../../spec/operation.ts'
import * as p from '../../../spec/parameters.ts'
import { json, object } from '../../../spec/shape.ts'
import { ofProject } from '../member.ts'
import { action, named } from './action.ts'

const networkId = json<string | number>({ type: ['string', 'number'], minLength: 1, maxLength: 36 })
const group = object({ name: json<string>({ type: 'string', minLength: 1 }) }, { required: ['name'] })

const groupBody = <const N extends string>(name: N) => named(name, group).with({ additionalProperties: true })

/** Nova wants more than blanks. */
function groupName({ name }: { readonly name: string }): string {
  if (name.trim() === '') throw new Fault('badRequest', 'Security group name cannot be empty')
  return name
}

export const networkActions = resource({
  'POST /servers/:id/action addFixedIp': action({
    until: '2.43',
    body: named('addFixedIp', object({ networkId }, { required: ['networkId'] })),
    rule: 'os_compute_api:os-multinic:add',
    target: ofProject,
    errors: [400, 404],
    run: ({ backends, context, member, body }) => addFixedIp(backends, context, member, body.addFixedIp.networkId),
  }),
  'POST /servers/:id/action removeFixedIp': action({
    until: '2.43',
    body: named('removeFixedIp', object({ address: p.ipAddress }, { required: ['address'] })),
    rule: 'os_compute_api:os-multinic:remove',
    target: ofProject,
    errors: [400, 404],
    run: ({ backends, context, member, body }) => removeFixedIp(backends, context, member, body.removeFixedIp.address),
  }),
  'POST /servers/:id/action addFloatingIp': action({
    until: '2.43',
    body: named('addFloatingIp', object({ address: p.ipAddress, fixed_address: p.ipAddress }, { required: ['address'] })),
    rule: 'os_compute_api:os-floating-ips:add',
    target: ofProject,
    status: 200,
    statusOf: () => 202,
    errors: [400, 403, 404],
    run({ backends, context, member, body }) {
      const { address, fixed_address: fixed } = body.addFloatingIp
      return addFloatingIp(backends, context, member, address, fixed)
    },
  }),
  'POST /servers/:id/action removeFloatingIp': op({
    until: '2.43',
    body: named('removeFloatingIp', object({ address: p.ipAddress }, { required: ['address'] })),
    statusOf: () => 202,
    errors: [400, 403, 404, 409],
    reply: nothing,
    async run({ backends, context, body, params, authorize }) {
      const { address } = body.removeFloatingIp
      const server = await serverWithFloatingIp(backends, context, address)
      authorize('os_compute_api:os-floating-ips:remove', server ? ofProject({ member: server }) : {})
      if (server?.uuid !== params.id) throw new Fault('conflict', `Floating IP ${address} is not associated with instance ${params.id}.`)
      await removeFloatingIp(backends, context, server!, address)
    },
  }),
  'POST /servers/:id/action addSecurityGroup': action({
    body: groupBody('addSecurityGroup'),
    rule: 'os_compute_api:os-security-groups:add',
    target: ofProject,
    errors: [400, 404, 409],
    run: ({ backends, context, member, body }) => addSecurityGroup(backends, context, member, groupName(body.addSecurityGroup)),
  }),
  'POST /servers/:id/action removeSecurityGroup': action({
    body: groupBody('removeSecurityGroup'),
    rule: 'os_compute_api:os-security-groups:remove',
    target: ofProject,
    errors: [400, 404, 409],
    run: ({ backends, context, member, body }) => removeSecurityGroup(backends, context, member, groupName(body.removeSecurityGroup)),
  }),
})
