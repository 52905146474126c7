/** Every resource of the compute API. */
import type { Resource } from '../spec/operation.ts'
import { aggregates } from './aggregates/index.ts'
import { assistedSnapshots } from './assisted-snapshots.ts'
import { availabilityZones } from './availability-zones.ts'
import { extensions } from './extensions.ts'
import { externalEvents } from './external-events.ts'
import { flavors } from './flavors/index.ts'
import { hosts } from './hosts.ts'
import { hypervisors } from './hypervisors/index.ts'
import { keyPairs } from './key-pairs/index.ts'
import { limits } from './limits.ts'
import { migrations } from './migrations.ts'
import { bareMetal } from './proxies/bare-metal.ts'
import { floatingIps } from './proxies/floating-ips.ts'
import { images } from './proxies/images.ts'
import { networks } from './proxies/networks.ts'
import { securityGroups } from './proxies/security-groups.ts'
import { snapshots, volumes } from './proxies/volumes.ts'
import { quotaClasses } from './quotas/classes.ts'
import { quotaSets } from './quotas/sets.ts'
import { removed } from './removed.ts'
import { serverGroups } from './server-groups.ts'
import { servers } from './servers/index.ts'
import { consoleTokens } from './servers/remote-consoles.ts'
import { services } from './services/index.ts'
import { usage } from './usage.ts'
import { usageAudit } from './usage-audit.ts'
import { versionResource } from './versions.ts'

export const resources: readonly Resource[] = [
  versionResource,
  aggregates,
  assistedSnapshots,
  availabilityZones,
  bareMetal,
  consoleTokens,
  extensions,
  externalEvents,
  flavors,
  floatingIps,
  hosts,
  hypervisors,
  images,
  keyPairs,
  limits,
  migrations,
  networks,
  quotaClasses,
  quotaSets,
  removed,
  securityGroups,
  serverGroups,
  servers,
  services,
  snapshots,
  usage,
  usageAudit,
  volumes,
]
