/** What Cinder has and this service has not: it answers 501 and says so, so that nobody takes silence for an empty cloud. */
import type { Call } from '../service.ts'
import { notBuilt, notFound } from './faults.ts'

const collections: Readonly<Record<string, string>> = {
  backups: 'backups',
  cgsnapshots: 'consistency groups',
  consistencygroups: 'consistency groups',
  group_snapshots: 'groups',
  group_specs: 'groups',
  group_types: 'groups',
  groups: 'groups',
  manageable_snapshots: 'management of existing snapshots',
  manageable_volumes: 'management of existing volumes',
  'os-snapshot-manage': 'management of existing snapshots',
  'os-volume-manage': 'management of existing volumes',
  clusters: 'clusters',
  workers: 'workers',
  'os-services': 'replication and log levels of services',
  'os-hosts': 'changes of hosts',
}

/** For paths that no route takes: 501 for what Cinder could do, 404 for the rest. */
export function otherwise({ request }: Call): never {
  const [version, collection = '', , member = ''] = request.path.split('/').slice(1)
  const what = version === 'v3' ? (member === 'encryption' ? 'encryption' : collections[collection]) : undefined
  throw what ? notBuilt(what) : notFound('The resource could not be found.')
}
