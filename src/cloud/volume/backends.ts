/** The back ends of the volume service: two by default, so that a volume can move. Nothing is stored in them. */
import type { Service, VolumeType } from './documents.ts'
import type { Cinder, VolumeSettings } from './state.ts'

type Parts = Pick<Cinder, 'store' | 'settings'>

/** `peer@one#peer` */
export const poolName = ({ host, backendName }: VolumeSettings, backend: string): string => `${host}@${backend}#${backendName}`
/** `peer@one` of `peer@one#peer`. */
export const backendOf = (host: string): string => host.split('#')[0]!

const serviceKey = (binary: string, host: string): string => `${binary}:${host}`
export const volumeBinary = 'cinder-volume'
const schedulerBinary = 'cinder-scheduler'

/** The service that runs a back end. */
export const serviceOf = ({ store }: Parts, backend: string): Service | undefined => store.services.get(serviceKey(volumeBinary, backend))
export const findService = ({ store }: Parts, binary: string, host: string): Service | undefined =>
  store.services.get(serviceKey(binary, host))

/** Services that are not there yet; inside a `write`. */
export function ensureServices({ store, settings, ids }: Pick<Cinder, 'store' | 'settings' | 'ids'>): void {
  const wanted = [
    { binary: schedulerBinary, host: settings.host },
    ...settings.backends.map((backend) => ({ binary: volumeBinary, host: `${settings.host}@${backend}` })),
  ]
  for (const { binary, host } of wanted) {
    const id = serviceKey(binary, host)
    if (!store.services.get(id)) store.services.put({ id, uuid: ids.uuid(), binary, host, disabled: false, disabled_reason: null })
  }
}

/** The pools that take new volumes. */
export const openPools = (parts: Parts): string[] =>
  parts.settings.backends
    .map((backend) => poolName(parts.settings, backend))
    .filter((pool) => serviceOf(parts, backendOf(pool))?.disabled === false)

/** What the back ends say of themselves; extra specs of types are compared with it. */
export const capabilities = ({ backendName }: VolumeSettings) => ({
  volume_backend_name: backendName,
  vendor_name: 'none',
  driver_version: '1.0.0',
  storage_protocol: 'iSCSI',
  total_capacity_gb: 'infinite',
  free_capacity_gb: 'infinite',
  reserved_percentage: 0,
  QoS_support: false,
  multiattach: true,
  thin_provisioning_support: true,
  max_over_subscription_ratio: 1000,
  provisioned_capacity_gb: 0,
})

/** A pool for a new volume of this type, that of `beside` if it is given; undefined when there is none, as a scheduler finds it. */
export function poolFor(parts: Parts, type: VolumeType, beside?: string | null): string | undefined {
  if (!fits(parts.settings, type)) return undefined
  const pools = openPools(parts)
  return beside ? pools.find((pool) => pool === beside) : pools[0]
}

/** Whether the back ends are what the type's extra specs ask for; those with another scope than `capabilities` ask nothing. */
function fits(settings: VolumeSettings, { extra_specs }: VolumeType): boolean {
  const has: Readonly<Record<string, unknown>> = capabilities(settings)
  return Object.entries(extra_specs).every(([key, wanted]) => {
    const [scope, name] = key.includes(':') ? (key.split(':') as [string, string]) : ['capabilities', key]
    return scope !== 'capabilities' || (name in has && matches(has[name], wanted ?? ''))
  })
}

const matches = (value: unknown, wanted: string): boolean => {
  const [, flag] = /^<is>\s+(.*)$/.exec(wanted) ?? []
  return flag === undefined
    ? String(value).toLowerCase() === wanted.toLowerCase()
    : String(value) === String(/^(t|true|y|yes|1|on)$/i.test(flag))
}
