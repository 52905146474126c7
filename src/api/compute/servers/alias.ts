/** /os-volumes_boot, under which servers were also known until 2.102 (nova/api/openstack/compute/volumes_boot.py). */
import type { Operation, Resource } from '../../spec/operation.ts'
import { upTo } from '../../spec/span.ts'

const aliased = [
  'GET /servers',
  'POST /servers',
  'GET /servers/detail',
  'GET /servers/:id',
  'PUT /servers/:id',
  'DELETE /servers/:id',
  'POST /servers/:id/action confirmResize',
  'POST /servers/:id/action createImage',
  'POST /servers/:id/action os-start',
  'POST /servers/:id/action os-stop',
  'POST /servers/:id/action reboot',
  'POST /servers/:id/action rebuild',
  'POST /servers/:id/action resize',
  'POST /servers/:id/action revertResize',
  'POST /servers/:id/action trigger_crash_dump',
]

const shortened = (operation: Operation): Operation => ({ ...operation, span: upTo(operation.span, '2.102') })

/** The same operations as those of `servers`, at their other address. */
export const aliasOf = (servers: Resource): Resource =>
  Object.fromEntries(aliased.map((key) => [key.replace('/servers', '/os-volumes_boot'), [servers[key]!].flat().map(shortened)]))
