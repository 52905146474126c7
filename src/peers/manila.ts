/** Manila's API, as far as Nova's API uses it: computes do the rest. */
import type { RequestContext } from '../oslo/context.ts'
import type { PeerService } from './service.ts'

export interface Share {
  readonly id: string
  readonly status: string
  readonly share_proto: string
  /** Where it is mounted from, the preferred place first; undefined when it has none yet. */
  readonly exportLocation: string | undefined
}

/** All methods reject with a `PeerError`. */
export interface Manila {
  /** Undefined when it is not there, not to be seen, or its id is none. */
  share(context: RequestContext, id: string): Promise<Share | undefined>
}

/** Since which access rules can be locked, which computes need. nova/share/manila.py MIN_SHARE_FILE_SYSTEM_MICROVERSION */
const microversion = '2.82'

interface ExportLocation {
  readonly path: string
  readonly preferred?: boolean
}

export const manila = (service: PeerService): Manila => ({
  async share(context, id) {
    const session = service.as(context)
    const path = `/shares/${encodeURIComponent(id)}`
    const answer = await session.request({ path, microversion, allow: [400, 404] })
    if (answer.status >= 400) return undefined
    const { share } = answer.json<{ share: Omit<Share, 'exportLocation'> }>()
    const places = (await session.request({ path: `${path}/export_locations`, microversion })).json<{
      export_locations: ExportLocation[]
    }>()
    const { export_locations: all } = places
    return { ...share, exportLocation: (all.find(({ preferred }) => preferred) ?? all[0])?.path }
  },
})
