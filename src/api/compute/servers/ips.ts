/** Addresses of servers: /servers/:server_id/ips. */
import { Fault } from '../../../compute/faults.ts'
import { type Address, addressesOf } from '../../../compute/servers/addresses.ts'
import { op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { ofProject, serverAbove } from './member.ts'

const shown = (addresses: readonly Address[]) => addresses.map(({ version, address }) => ({ version, addr: address }))

const member = { query: p.noParameters, load: serverAbove, target: ofProject, errors: [404], reply: plain() } as const

export const ips = resource({
  'GET /servers/:server_id/ips': op({
    ...member,
    rule: 'os_compute_api:ips:index',
    run({ member }) {
      const labels = [...addressesOf(member.networkInfo)]
      return { addresses: Object.fromEntries(labels.map(([label, addresses]) => [label, shown(addresses)])) }
    },
  }),
  'GET /servers/:server_id/ips/:id': op({
    ...member,
    rule: 'os_compute_api:ips:show',
    run({ member, params }) {
      const label = params.id!
      const addresses = addressesOf(member.networkInfo).get(label)
      if (!addresses) throw new Fault('missing', 'Instance is not a member of specified network')
      return { [label]: shown(addresses) }
    },
  }),
})
