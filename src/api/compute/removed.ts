/** Operations that Nova took away for good: each still has its route and answers 410, at every version. */
import { Fault } from '../../compute/faults.ts'
import { gone, type Resource, resource } from '../spec/operation.ts'

const all = (reason: string, operations: readonly string[]): Resource => Object.fromEntries(operations.map((key) => [key, gone(reason)]))

const oldNetworks = 'It was for nova-network, which is no more.'
const xen = 'It was for the Xen driver, which is no more.'

export const removed = resource({
  ...all(xen, [
    'GET /os-agents',
    'POST /os-agents',
    'PUT /os-agents/:id',
    'DELETE /os-agents/:id',
    'GET /servers/:server_id/consoles',
    'POST /servers/:server_id/consoles',
    'GET /servers/:server_id/consoles/:id',
    'DELETE /servers/:server_id/consoles/:id',
    'POST /servers/:id/action resetNetwork',
  ]),
  ...all('It was for cells of the first kind, which are no more.', [
    'GET /os-cells',
    'POST /os-cells',
    'GET /os-cells/detail',
    'GET /os-cells/info',
    'GET /os-cells/capacities',
    'POST /os-cells/sync_instances',
    'GET /os-cells/:id',
    'PUT /os-cells/:id',
    'DELETE /os-cells/:id',
    'GET /os-cells/:id/capacities',
  ]),
  ...all('It was for bundles of the EC2 API, which is no more.', ['POST /os-certificates', 'GET /os-certificates/:id']),
  ...all(oldNetworks, [
    'GET /os-cloudpipe',
    'POST /os-cloudpipe',
    'PUT /os-cloudpipe/:id',
    'GET /os-fixed-ips/:id',
    'POST /os-fixed-ips/:id/action reserve',
    'POST /os-fixed-ips/:id/action unreserve',
    'GET /os-floating-ip-dns',
    'PUT /os-floating-ip-dns/:id',
    'DELETE /os-floating-ip-dns/:id',
    'GET /os-floating-ip-dns/:domain_id/entries/:id',
    'PUT /os-floating-ip-dns/:domain_id/entries/:id',
    'DELETE /os-floating-ip-dns/:domain_id/entries/:id',
    'GET /os-floating-ips-bulk',
    'POST /os-floating-ips-bulk',
    'GET /os-floating-ips-bulk/:id',
    'PUT /os-floating-ips-bulk/:id',
    'GET /os-fping',
    'GET /os-fping/:id',
    'POST /os-networks',
    'POST /os-networks/add',
    'DELETE /os-networks/:id',
    'POST /os-networks/:id/action associate_host',
    'POST /os-networks/:id/action disassociate',
    'POST /os-networks/:id/action disassociate_host',
    'POST /os-networks/:id/action disassociate_project',
    'GET /os-security-group-default-rules',
    'POST /os-security-group-default-rules',
    'GET /os-security-group-default-rules/:id',
    'DELETE /os-security-group-default-rules/:id',
    'POST /os-tenant-networks',
    'DELETE /os-tenant-networks/:id',
    'GET /servers/:server_id/os-virtual-interfaces',
  ]),
  // 400, not 410, and only until 2.5: from then on remote consoles have one operation for all types
  'POST /servers/:id/action os-getRDPConsole': {
    ...gone('It was for the Hyper-V driver, which is no more.', '2.5'),
    errors: [400],
    run: () => {
      throw new Fault('malformedRequest')
    },
  },
})
