/** Volumes of servers: /servers/:server_id/os-volume_attachments. */
import { attachedVolumes, attachVolume, detachVolume, findAttached, updateAttachment } from '../../../compute/servers/attach-volume.ts'
import { wrongState } from '../../../compute/servers/states.ts'
import { swapVolume } from '../../../compute/servers/swap-volume.ts'
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { last } from '../../serve/query.ts'
import { booleanFrom } from '../../serve/values.ts'
import { type Call, nothing, nothingInHtml, op, plain, type Reply, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { json, many, object } from '../../spec/shape.ts'
import { ofProject, serverAbove } from './member.ts'

const device = json<string | null>({ type: ['string', 'null'], pattern: '(^/dev/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$' })

const listQuery = object({ limit: many(p.nonNegativeInteger), offset: many(p.nonNegativeInteger) }, { others: { until: '2.74' } })

const attachBody = object(
  {
    volumeAttachment: object(
      { volumeId: p.uuid, device, tag: p.tag.since('2.49'), delete_on_termination: p.boolean.since('2.79') },
      { required: ['volumeId'] },
    ),
  },
  { required: ['volumeAttachment'] },
)

const updateBody = object(
  {
    volumeAttachment: object(
      {
        volumeId: p.uuid,
        device: device.since('2.85'),
        tag: p.tag.since('2.85'),
        delete_on_termination: p.boolean.since('2.85'),
        serverId: p.uuid.since('2.85'),
        id: p.uuid.since('2.85'),
      },
      { required: ['volumeId'] },
    ),
  },
  { required: ['volumeAttachment'] },
)

const member = { load: serverAbove, target: ofProject, reply: plain() } as const

const shown = ({ at }: Call, { volumeId, instanceUuid, deviceName, tag, deleteOnTermination, attachmentId, uuid }: BlockDevice) => ({
  ...(!at('2.89') && { id: volumeId }),
  volumeId,
  serverId: instanceUuid,
  ...(deviceName && { device: deviceName }),
  ...(at('2.70') && { tag }),
  ...(at('2.79') && { delete_on_termination: Boolean(deleteOnTermination) }),
  ...(at('2.89') && { attachment_id: attachmentId, bdm_uuid: uuid }),
})

/** Volumes of shelved servers can be changed from 2.20 on. */
function refuseShelved({ at }: Call, server: Server, verb: 'attachVolume' | 'detachVolume'): void {
  if (!at('2.20') && (server.vmState === 'shelved' || server.vmState === 'shelved_offloaded')) throw wrongState(server, verb, 'vm_state')
}

/** nova/api/openstack/common.py limited: local disks count as well */
function page(call: Call & { readonly query: Readonly<Record<string, readonly string[] | undefined>> }, devices: readonly BlockDevice[]) {
  const { maxLimit } = call.backends.settings.api
  const offset = Number(last(call.query, 'offset') ?? 0)
  const limit = Math.min(maxLimit, Number(last(call.query, 'limit') ?? maxLimit) || maxLimit)
  return devices.slice(offset, offset + limit)
}

async function attach(
  call: Call & { readonly member: Server; readonly body: { readonly volumeAttachment: Attaching } },
): Promise<object | undefined> {
  const { backends, context, member, body, at } = call
  const { volumeId, device = null, tag = null, delete_on_termination = false } = body.volumeAttachment
  refuseShelved(call, member, 'attachVolume')
  const wait = !at('2.101')
  const name = await attachVolume(backends, context, member, {
    volumeId,
    device,
    tag,
    deleteOnTermination: delete_on_termination,
    multiattachToo: at('2.60'),
    wait,
  })
  if (!wait) return undefined
  return {
    volumeAttachment: {
      id: volumeId,
      serverId: member.uuid,
      volumeId,
      device: name,
      ...(at('2.70') && { tag }),
      ...(at('2.79') && { delete_on_termination }),
    },
  }
}

interface Attaching {
  readonly volumeId: string
  readonly device?: string | null
  readonly tag?: string
  readonly delete_on_termination?: boolean | string
}

export const volumeAttachments = resource({
  'GET /servers/:server_id/os-volume_attachments': op({
    ...member,
    query: listQuery,
    rule: 'os_compute_api:os-volumes-attachments:index',
    errors: [404],
    async run(call) {
      const devices = page(call, await attachedVolumes(call.backends, call.member))
      return { volumeAttachments: devices.filter(({ volumeId }) => volumeId).map((each) => shown(call, each)) }
    },
  }),
  'GET /servers/:server_id/os-volume_attachments/:id': op({
    ...member,
    query: p.anyParameters,
    rule: 'os_compute_api:os-volumes-attachments:show',
    errors: [404],
    run: async (call) => ({ volumeAttachment: shown(call, await findAttached(call.backends, call.member, call.params.id!)) }),
  }),
  // From 2.101 on nobody waits for the name of the device
  'POST /servers/:server_id/os-volume_attachments': op({
    ...member,
    body: attachBody,
    rule: 'os_compute_api:os-volumes-attachments:create',
    statusOf: (_, { at }) => (at('2.101') ? 202 : 200),
    reply: ({ at }) => (at('2.101') ? nothingInHtml : plain()) as Reply<unknown>,
    errors: [400, 403, 404, 409],
    run: attach,
  }),
  'PUT /servers/:server_id/os-volume_attachments/:id': op({
    load: serverAbove,
    body: updateBody,
    status: 202,
    errors: [400, 404, 409],
    reply: nothing as Reply<void>,
    async run(call) {
      const { backends, context, member, params, body, at, authorize } = call
      const { volumeId, delete_on_termination, ...rest } = body.volumeAttachment
      const swaps = !at('2.85') || params.id !== volumeId
      if (swaps) authorize('os_compute_api:os-volumes-attachments:swap', {})
      else authorize('os_compute_api:os-volumes-attachments:update', ofProject(call))
      if (at('2.85')) {
        const asked = delete_on_termination === undefined ? {} : { deleteOnTermination: booleanFrom(delete_on_termination) === true }
        await updateAttachment(backends, member, params.id!, { ...rest, ...asked })
      }
      if (swaps) await swapVolume(backends, context, member, params.id!, volumeId)
    },
  }),
  'DELETE /servers/:server_id/os-volume_attachments/:id': op({
    ...member,
    rule: 'os_compute_api:os-volumes-attachments:delete',
    status: 202,
    errors: [400, 403, 404, 409],
    reply: nothing,
    async run(call) {
      refuseShelved(call, call.member, 'detachVolume')
      await detachVolume(call.backends, call.context, call.member, call.params.id!)
    },
  }),
})
