/** What runs the volumes, for administrators: services, hosts, pools, and the zone that everybody may see. */
import { backendOf, capabilities, findService, openPools, volumeBinary } from './backends.ts'
import type { Service, Volume } from './documents.ts'
import { invalidInput, notFound } from './faults.ts'
import { resourceFilters } from './listing.ts'
import { type Operations, operation } from './operation.ts'
import { requireAdmin } from './rules.ts'
import * as shapes from './shapes.ts'
import { moment, truth, type VolumeCall } from './state.ts'
import { snapshotsOf } from './store.ts'

interface Switch {
  readonly host?: string | null
  readonly binary?: string
  readonly service?: string
  readonly disabled_reason?: string
}

const update = 'volume_extension:services:update'

export const services: Operations = {
  'GET /os-services': { run: listServices },
  'PUT /os-services/enable': operation({
    body: shapes.switchedService,
    run: (call, sent: Switch) => turn(call, sent, { disabled: false, disabled_reason: null }),
  }),
  'PUT /os-services/disable': operation({
    body: shapes.switchedService,
    run: (call, sent: Switch) => turn(call, sent, { disabled: true }),
  }),
  'PUT /os-services/disable-log-reason': operation({
    body: shapes.disabledService,
    run: (call, sent: Switch) => ({
      ...turn(call, sent, { disabled: true, disabled_reason: sent.disabled_reason ?? null }),
      disabled_reason: sent.disabled_reason ?? null,
    }),
  }),
  'GET /os-availability-zone': {
    run({ store, settings }) {
      const available = store.services.filter(({ binary }) => binary === volumeBinary).some(({ disabled }) => !disabled)
      return { availabilityZoneInfo: [{ zoneName: settings.zone, zoneState: { available } }] }
    },
  },
  'GET /os-hosts': { run: listHosts },
  'GET /os-hosts/:host': { run: hostTotals },
  'GET /scheduler-stats/get_pools': { run: listPools },
  'GET /capabilities/:host': { run: showCapabilities },
  'GET /resource_filters': {
    since: 33,
    run({ query }) {
      const one = query.get('resource')
      const shown = Object.entries(resourceFilters).filter(([resource]) => one === null || resource === one)
      return { resource_filters: shown.map(([resource, filters]) => ({ resource, filters })) }
    },
  },
  // Cinder leaves messages about what failed after it was accepted; here nothing does.
  'GET /messages': { since: 3, run: () => ({ messages: [] }) },
  'GET /messages/:id': { since: 3, run: ({ params }) => noMessage(params.id!) },
  'DELETE /messages/:id': { since: 3, run: ({ params }) => noMessage(params.id!) },
  'GET /clusters': {
    since: 7,
    run({ caller }) {
      requireAdmin('clusters:get_all', caller)
      return { clusters: [] }
    },
  },
}

const noMessage = (id: string): never => {
  throw notFound(`Message ${id} could not be found.`)
}

function listServices(call: VolumeCall) {
  const { store, caller, query, minor, clock, settings } = call
  requireAdmin('volume_extension:services:index', caller)
  const host = query.get('host')
  const binary = query.get('binary')
  const shown = store.services.filter(
    (service) =>
      (binary === null || service.binary === binary) && (host === null || service.host === host || service.host.startsWith(`${host}@`)),
  )
  const view = ({ binary, host, disabled, disabled_reason }: Service) => ({
    binary,
    host,
    zone: settings.zone,
    status: disabled ? 'disabled' : 'enabled',
    state: 'up',
    updated_at: moment(clock.now()),
    ...(minor >= 49 && binary === volumeBinary && { backend_state: disabled ? null : 'up' }),
    ...(minor >= 7 && { cluster: null }),
    disabled_reason,
    ...(binary === volumeBinary && { replication_status: 'disabled', active_backend_id: null, frozen: false }),
  })
  return { services: shown.map(view) }
}

/** Takes effect at once, which it does not in Cinder 28: there only disable-log-reason does anything. */
function turn(call: VolumeCall, { host, binary, service }: Switch, changes: Partial<Service>) {
  requireAdmin(update, call.caller)
  if (!host) throw invalidInput('Host field is missing.')
  const found = serviceNamed(call, binary || service || '', host)
  call.store.write(() => call.store.services.put({ ...found, ...changes }))
  const disabled = changes.disabled === true
  return { host, service: service ?? '', binary: binary ?? '', status: disabled ? 'disabled' : 'enabled', disabled }
}

function serviceNamed(call: VolumeCall, binary: string, host: string): Service {
  const found = findService(call, binary, host)
  if (!found) throw notFound(`Service ${binary} could not be found on host ${host}.`)
  return found
}

function listHosts({ store, caller, query, clock, settings }: VolumeCall) {
  requireAdmin('volume_extension:hosts', caller)
  const zone = query.get('zone')
  const shown = store.services.filter(({ disabled }) => !disabled && (!zone || zone === settings.zone))
  const hosts = shown.map(({ host, binary }) => ({
    host_name: host,
    service: binary,
    zone: settings.zone,
    'service-status': 'available',
    'service-state': 'enabled',
    'last-update': moment(clock.now()),
  }))
  return { hosts }
}

/** How much is on a back end, in all and by project, as texts. */
function hostTotals(call: VolumeCall) {
  const { store, caller, params } = call
  requireAdmin('volume_extension:hosts', caller)
  const { host } = serviceNamed(call, volumeBinary, params.host!)
  const volumes = store.volumes.filter((volume) => volume.host !== null && backendOf(volume.host) === host)
  const projects = [...new Set(volumes.map(({ project_id }) => project_id))]
  const row = (project: string, of: readonly Volume[]) => {
    const snapshots = of.flatMap(({ id }) => snapshotsOf(store, id))
    const total = (sizes: readonly number[]) => String(sizes.reduce((sum, size) => sum + size, 0))
    return {
      resource: {
        host,
        project,
        volume_count: String(of.length),
        total_volume_gb: total(of.map(({ size }) => size)),
        snapshot_count: String(snapshots.length),
        total_snapshot_gb: total(snapshots.map(({ volume_size }) => volume_size)),
      },
    }
  }
  const own = (project: string) => volumes.filter(({ project_id }) => project_id === project)
  return { host: [row('(total)', volumes), ...projects.map((project) => row(project, own(project)))] }
}

function listPools(call: VolumeCall) {
  const { caller, query, minor, store, settings, clock } = call
  requireAdmin('scheduler_extension:scheduler_stats:get_pools', caller)
  const name = minor >= 28 ? query.get('name') : null
  const shown = openPools(call).filter((pool) => !name || pool === name)
  const used = (pool: string) => store.volumes.by('host', pool).reduce((sum, { size }) => sum + size, 0)
  const detail = (pool: string) => ({
    ...capabilities(settings),
    allocated_capacity_gb: used(pool),
    cacheable: true,
    filter_function: null,
    goodness_function: null,
    timestamp: moment(clock.now()),
  })
  const detailed = truth(query.get('detail'))
  return { pools: shown.map((pool) => ({ name: pool, ...(detailed && { capabilities: detail(pool) }) })) }
}

const properties = {
  thin_provisioning: { title: 'Thin Provisioning', description: 'Sets thin provisioning.', type: 'boolean' },
  compression: { title: 'Compression', description: 'Enables compression.', type: 'boolean' },
  qos: { title: 'QoS', description: 'Enables QoS.', type: 'boolean' },
  replication_enabled: { title: 'Replication', description: 'Enables replication.', type: 'boolean' },
}

function showCapabilities(call: VolumeCall) {
  requireAdmin('volume_extension:capabilities', call.caller)
  const { host } = call.params
  if (!findService(call, volumeBinary, host!)) throw notFound(`Can't find service: ${host}`)
  const { vendor_name, volume_backend_name, driver_version, storage_protocol } = capabilities(call.settings)
  return {
    namespace: `OS::Storage::Capabilities::${host}`,
    vendor_name,
    volume_backend_name,
    pool_name: null,
    driver_version,
    storage_protocol,
    display_name: null,
    description: null,
    visibility: null,
    replication_targets: [],
    properties,
  }
}
