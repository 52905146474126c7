/** Which processes a cloud has, and what each of them serves. */
import type { ServiceName } from '../../cloud/places.ts'
import type { Program } from '../../cloud/supervisor.ts'

export interface CloudProgram extends Program {
  readonly serves: readonly ServiceName[]
}

/** What takes requests stops first, and what others need stops last. */
export const cloudPrograms: readonly CloudProgram[] = [
  { name: 'services', stopStep: 2, serves: ['identity', 'image', 'network', 'volume', 'placement'] },
  { name: 'cell', stopStep: 1, serves: [] },
  { name: 'compute-api', stopStep: 0, serves: ['compute'] },
  { name: 'metadata-api', stopStep: 0, serves: ['metadata'] },
]
