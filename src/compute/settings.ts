/** The options of nova.conf that decide what the cloud does. */
import { boolean, group, integer, type Settings, text } from '../oslo/config/options.ts'

export const apiOptions = group('api', {
  maxLimit: integer('max_limit', 1000, {
    min: 0,
    help: 'Most items one page may hold.',
    deprecated: ['DEFAULT/osapi_max_limit'],
  }),
  computeLinkPrefix: text('compute_link_prefix', null, {
    help: 'Replaces scheme and host in links to compute resources.',
    deprecated: ['DEFAULT/osapi_compute_link_prefix'],
  }),
  glanceLinkPrefix: text('glance_link_prefix', null, {
    help: 'Replaces scheme and host in links to images.',
    deprecated: ['DEFAULT/osapi_glance_link_prefix'],
  }),
  instanceListPerProjectCells: boolean('instance_list_per_project_cells', false, {
    help: 'Ask only the cells in which a project has servers; worth it with many cells.',
  }),
  listRecordsBySkippingDownCells: boolean('list_records_by_skipping_down_cells', true, {
    help: 'Leave out servers of cells that do not answer; otherwise lists fail.',
  }),
  enableInstancePassword: boolean('enable_instance_password', true, {
    help: 'Tell the admin password of new and rebuilt servers.',
    deprecated: ['DEFAULT/enable_instance_password'],
  }),
})

export const computeOptions = group('DEFAULT', {
  defaultAvailabilityZone: text('default_availability_zone', 'nova', { help: 'Zone of hosts that are in no other.' }),
  internalServiceAvailabilityZone: text('internal_service_availability_zone', 'internal', {
    help: 'Zone of services that run no servers.',
  }),
  instanceNameTemplate: text('instance_name_template', 'instance-%08x', {
    help: "Name of a server on its hypervisor; the server's id fills it.",
  }),
  serviceDownTime: integer('service_down_time', 60, { min: 0, help: 'Seconds without a report after which a service counts as down.' }),
})

export interface ComputeSettings {
  readonly compute: Settings<typeof computeOptions>
  readonly api: Settings<typeof apiOptions>
}
