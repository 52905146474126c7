/** How new the messages may be that computes get: [upgrade_levels] compute says it, or the oldest of the running services (nova/compute/rpcapi.py router). */
import { ConfigError } from '../../oslo/config/error.ts'
import { group, type Settings, text } from '../../oslo/config/options.ts'
import { isCompatible } from '../../oslo/messaging/version.ts'
import { answered, type Cells } from '../../stores/cells.ts'

export const upgradeOptions = group('upgrade_levels', {
  compute: text('compute', null, { help: 'Newest version of messages to computes: 6.4, a release such as epoxy, or auto.' }),
  scheduler: text('scheduler', null, { help: 'Newest version of messages to schedulers.' }),
})
export type UpgradeSettings = Settings<typeof upgradeOptions>

/** The interface's version in this release. */
const newest = '6.5'

// nova/compute/rpcapi.py ComputeAPI.VERSION_ALIASES, from the first release that still has a version 5
const releases: Readonly<Record<string, string>> = {
  queens: '5.0',
  rocky: '5.0',
  stein: '5.1',
  train: '5.3',
  ussuri: '5.11',
  victoria: '5.12',
  wallaby: '6.0',
  xena: '6.0',
  yoga: '6.0',
  zed: '6.1',
  antelope: '6.2',
  bobcat: '6.2',
  caracal: '6.3',
  dalmatian: '6.3',
  epoxy: '6.4',
  flamingo: '6.4',
  gazpacho: '6.5',
}

// nova/objects/service.py SERVICE_VERSION_HISTORY: the first service version of each
const byServiceVersion: readonly (readonly [since: number, version: string])[] = [
  [71, '6.5'],
  [68, '6.4'],
  [67, '6.3'],
  [66, '6.2'],
  [64, '6.1'],
  [56, '6.0'],
  [54, '5.13'],
  [53, '5.12'],
  [50, '5.11'],
  [47, '5.10'],
  [46, '5.9'],
  [45, '5.8'],
  [44, '5.7'],
  [43, '5.6'],
  [42, '5.5'],
  [41, '5.4'],
  [40, '5.3'],
  [39, '5.2'],
  [37, '5.1'],
  [30, '5.0'],
]

/** The last service version of this release: computes that are newer are not known. */
const newestService = 72

/** What messages to computes may need. */
export interface Pin {
  readonly version: string
  /** Whether who understands the pinned version understands this one (oslo.messaging's can_send_version). */
  canSend(version: string): boolean
}

export const pinned = (version: string): Pin => ({ version, canSend: (wanted) => isCompatible(version, wanted) })

/** Without a pin everything is sent as this release knows it. */
export const unpinned: Pin = { version: newest, canSend: () => true }

/** Nova's error when every service is newer than this release. */
class ServiceTooOld extends Error {
  override readonly name = 'ServiceTooOld'
}

/** Refuses pins that no supported release could need. Throws a `ConfigError`. */
export function checkUpgradeSettings({ compute, scheduler }: UpgradeSettings): void {
  if (compute && compute !== 'auto' && !/^\d+\.\d+$/.test(releases[compute] ?? compute))
    throw new ConfigError(`'${compute}' is neither auto, a version nor a release from queens to gazpacho`, {
      option: '[upgrade_levels] compute',
    })
  if (compute && compute !== 'auto' && !/^[56]\./.test(releases[compute] ?? compute))
    throw new ConfigError(`this release speaks versions 5 and 6, not ${compute}`, { option: '[upgrade_levels] compute' })
  if (scheduler && !isCompatible(scheduler, '4.1') && !/^[a-z]+$/.test(scheduler))
    throw new ConfigError(`schedulers are told of aggregates since version 4.1, not in ${scheduler}`, {
      option: '[upgrade_levels] scheduler',
    })
}

/** Asks for the pin; with `auto` the answer of the services is kept once there is one. */
export function computePin({ compute }: UpgradeSettings, cells: Pick<Cells, 'gather'>): () => Promise<Pin> {
  if (!compute) return async () => unpinned
  if (compute !== 'auto') {
    const pin = pinned(releases[compute] ?? compute)
    return async () => pin
  }
  let known: Pin | undefined
  let asking: Promise<Pin> | undefined
  return async () => {
    if (known) return known
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }

  // nova/compute/rpcapi.py _determine_version_cap: without computes the answer is this release's, and is asked for again
  async function ask(): Promise<Pin> {
    const answers = await cells.gather((cell) => cell.services.minimumVersion('nova-compute'))
    const versions = answers.filter(answered).flatMap(({ value }) => (value ? [value] : []))
    if (versions.length === 0) return pinned(newest)
    const oldest = Math.min(...versions)
    if (oldest > newestService)
      throw new ServiceTooOld(
        `This service is older (v${newestService}) than the minimum (v${oldest}) version of the rest of the deployment. Unable to continue.`,
      )
    known = pinned(byServiceVersion.find(([since]) => oldest >= since)?.[1] ?? '5.0')
    return known
  }
}
