/** The options of nova.conf that decide what the cloud does. */
import { group, integer, type Settings, text } from '../oslo/config/options.ts'

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
})

export interface ComputeSettings {
  readonly api: Settings<typeof apiOptions>
}
