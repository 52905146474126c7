/** Every resource of the compute API. */
import type { Resource } from '../spec/operation.ts'
import { flavors } from './flavors/index.ts'
import { keyPairs } from './key-pairs/index.ts'
import { servers } from './servers/index.ts'
import { versionResource } from './versions.ts'

export const resources: readonly Resource[] = [versionResource, flavors, keyPairs, servers]
