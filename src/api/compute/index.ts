/** Every resource of the compute API. */
import type { Resource } from '../spec/operation.ts'
import { extensions } from './extensions.ts'
import { flavors } from './flavors/index.ts'
import { keyPairs } from './key-pairs/index.ts'
import { removed } from './removed.ts'
import { servers } from './servers/index.ts'
import { versionResource } from './versions.ts'

export const resources: readonly Resource[] = [versionResource, extensions, flavors, keyPairs, removed, servers]
