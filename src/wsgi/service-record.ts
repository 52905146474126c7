/** The service's own row among Nova's services, and the check that the computes are not too old for it (nova/api/openstack/wsgi_app.py _setup_service). */
import { DuplicateKey } from '../oslo/database/errors.ts'
import type { Log } from '../oslo/log.ts'
import { answered, type CellStore, type Cells } from '../stores/cells.ts'

/** What Nova 33.0.2 calls itself (nova/objects/service.py SERVICE_VERSION). */
const serviceVersion = 72
/** The oldest computes that it works with: release Epoxy. */
const oldestCompute = { release: 'Epoxy', version: 68 }

export class TooOldComputeService extends Error {
  override readonly name = 'TooOldComputeService'
}

/** Makes the row, and answers its uuid, or brings its version up to date. Another worker may do the same at the same moment. */
export async function recordService(
  main: CellStore,
  { host, binary, uuid }: { host: string; binary: string; uuid: string },
): Promise<string | undefined> {
  const found = await main.services.find(host, binary)
  if (found) {
    if (found.version !== serviceVersion) await main.services.update(found.id, { version: serviceVersion })
    return undefined
  }
  try {
    await main.services.create({ host, binary, uuid, topic: null, reportCount: 0, version: serviceVersion })
    return uuid
  } catch (error) {
    if (!(error instanceof DuplicateKey)) throw error
    return undefined
  }
}

/** Throws a `TooOldComputeService`, or only warns when `tolerate`. Cells that do not answer are left out. */
export async function refuseOldComputes(cells: Pick<Cells, 'gather'>, { tolerate, log }: { tolerate: boolean; log: Log }): Promise<void> {
  const answers = await cells.gather((cell) => cell.services.minimumVersion('nova-compute'))
  const versions = answers.filter(answered).flatMap(({ value }) => (value ? [value] : []))
  const version = Math.min(...versions)
  if (versions.length === 0 || version >= oldestCompute.version) return
  const text =
    `Current Nova version does not support computes older than ${oldestCompute.release} but the minimum compute service level ` +
    `in your system is ${version} and the oldest supported service level is ${oldestCompute.version}.`
  if (!tolerate) throw new TooOldComputeService(text)
  log.warning(text)
}
