/** Images of servers and backups of them. */
import { applicationUrl } from '../../../../app/contract.ts'
import { Fault } from '../../../../compute/faults.ts'
import { checkMetadataItems } from '../../../../compute/quotas.ts'
import { detailsOf, isVolumeBacked } from '../../../../compute/servers/details.ts'
import { backupServer, snapshotServer } from '../../../../compute/servers/snapshot.ts'
import { snapshotVolumes } from '../../../../compute/servers/volume-snapshot.ts'
import { urlJoin } from '../../../serve/links.ts'
import { type Call, nothingInHtml, plain, type Reply, resource } from '../../../spec/operation.ts'
import * as p from '../../../spec/parameters.ts'
import { type Of, object } from '../../../spec/shape.ts'
import { ofProject } from '../member.ts'
import { action, named } from './action.ts'

const imageBody = named('createImage', object({ name: p.name, metadata: p.metadata }, { required: ['name'] }))

const backupBody = named(
  'createBackup',
  object(
    {
      name: [p.nameWithSpaces.until('2.0'), p.name.since('2.1')],
      backup_type: p.text,
      rotation: p.nonNegativeInteger,
      metadata: p.metadata,
    },
    { required: ['name', 'backup_type', 'rotation'] },
  ),
)

/** What is answered with a header until 2.44, and with a body from then on. */
interface Made {
  readonly image_id: string
  readonly location?: string
}

const answer = {
  reply: ({ at }: Call) => (at('2.45') ? plain() : nothingInHtml) as Reply<Made>,
  headers: ({ location }: Made): [string, string][] => (location === undefined ? [] : [['Location', location]]),
}

/** From 2.39 on the limits of Glance are Glance's business. */
async function checkProperties({ backends, context, at }: Call, metadata: object): Promise<void> {
  if (at('2.39')) return
  await checkMetadataItems(backends, context, Object.keys(metadata).length).catch((error: unknown) => {
    throw error instanceof Fault && error.kind === 'metadataLimitExceeded' ? new Fault('forbidden', 'Image metadata limit exceeded') : error
  })
}

export const imageActions = resource({
  'POST /servers/:id/action createImage': action<Of<typeof imageBody>, Made>({
    body: imageBody,
    rule: 'os_compute_api:servers:create_image',
    target: ofProject,
    errors: [400, 403, 404, 409],
    ...answer,
    async run(call) {
      const { backends, context, member, body, at, authorize } = call
      const { name, metadata: properties = {} } = body.createImage
      await checkProperties(call, properties)
      const details = detailsOf(backends, member)
      const onVolumes = await isVolumeBacked(details)
      if (onVolumes) authorize('os_compute_api:servers:create_image:allow_volume_backed', ofProject(call))
      const make = onVolumes ? snapshotVolumes : snapshotServer
      const id = await make(backends, context, details, { name: name.trim(), properties })
      return at('2.45') ? { image_id: id } : { image_id: id, location: `${await backends.peers.glance.endpoint(context)}/images/${id}` }
    },
  }),
  'POST /servers/:id/action createBackup': action<Of<typeof backupBody>, Made>({
    body: backupBody,
    rule: 'os_compute_api:os-create-backup',
    target: ofProject,
    errors: [400, 403, 404, 409],
    ...answer,
    async run(call) {
      const { backends, context, member, body, at, request } = call
      const { name, backup_type: type, metadata: properties = {} } = body.createBackup
      const rotation = Number(body.createBackup.rotation)
      await checkProperties(call, properties)
      const id = await backupServer(backends, context, member, { name: name.trim(), properties, type, rotation })
      // Without rotation the image is gone again at once
      const told = !at('2.45') && rotation > 0
      return { image_id: id, ...(told && { location: urlJoin(applicationUrl(request), 'images', id) }) }
    },
  }),
})
