/** Bare metal nodes, which are Ironic's: /os-baremetal-nodes, until 2.35. */
import { Fault } from '../../../compute/faults.ts'
import { findNode, listNodes, type Node } from '../../../compute/proxies/bare-metal.ts'
import { op, plain, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'

const shown = ({ uuid, provision_state, properties }: Node) => ({
  id: uuid,
  interfaces: [] as object[],
  host: 'IRONIC MANAGED',
  task_state: provision_state,
  cpus: String(properties.cpus ?? 0),
  memory_mb: String(properties.memory_mb ?? 0),
  disk_gb: String(properties.local_gb ?? 0),
})

/** Only Ironic itself does these. */
const refused = (command: string, body = true) =>
  op({
    until: '2.35',
    ...(body && { body: p.anything }),
    errors: [400],
    run: () => {
      throw new Fault('badRequest', `Command not supported. Please use Ironic command ${command} to perform this action.`)
    },
  })

export const bareMetal = resource({
  'GET /os-baremetal-nodes': op({
    until: '2.35',
    query: p.anything,
    rule: 'os_compute_api:os-baremetal-nodes:list',
    target: () => ({}),
    errors: [404, 501],
    reply: plain(),
    run: async ({ backends }) => ({ nodes: (await listNodes(backends)).map(shown) }),
  }),
  'GET /os-baremetal-nodes/:id': op({
    until: '2.35',
    query: p.anything,
    rule: 'os_compute_api:os-baremetal-nodes:show',
    target: () => ({}),
    errors: [404, 501],
    reply: plain(),
    async run({ backends, params }) {
      const node = await findNode(backends, params.id!)
      const interfaces = node.addresses.map((address) => ({ address }))
      return { node: { ...shown(node), interfaces, instance_uuid: node.instance_uuid } }
    },
  }),
  'POST /os-baremetal-nodes': refused('node-create'),
  'DELETE /os-baremetal-nodes/:id': refused('node-delete', false),
  'POST /os-baremetal-nodes/:id/action add_interface': refused('port-create'),
  'POST /os-baremetal-nodes/:id/action remove_interface': refused('port-delete'),
})
