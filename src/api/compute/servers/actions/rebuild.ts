/** Rebuilding servers. */
import { Fault } from '../../../../compute/faults.ts'
import { generatePassword } from '../../../../compute/servers/create/password.ts'
import { findServer } from '../../../../compute/servers/find.ts'
import { type Rebuild, rebuild } from '../../../../compute/servers/rebuild.ts'
import { shortestIpv6 } from '../../../../oslo/objects/fields.ts'
import type { Server } from '../../../../stores/cell/servers.ts'
import { booleanFrom } from '../../../serve/values.ts'
import { type Call, one, resource } from '../../../spec/operation.ts'
import * as p from '../../../spec/parameters.ts'
import { json, type Of, object } from '../../../spec/shape.ts'
import { filesOf } from '../create.ts'
import { serverLoaders } from '../extra.ts'
import { ofOwner } from '../member.ts'
import { rebuilt } from '../view.ts'
import { action, named } from './action.ts'

const rebuildBody = named(
  'rebuild',
  object(
    {
      name: [p.nameWithSpaces.until('2.0'), p.name.since('2.1')],
      imageRef: p.uuid,
      adminPass: p.adminPassword,
      metadata: p.metadata,
      preserve_ephemeral: p.boolean,
      'OS-DCF:diskConfig': p.diskConfig,
      accessIPv4: p.ipv4,
      accessIPv6: p.ipv6,
      personality: p.personality.until('2.56'),
      description: p.description.since('2.19'),
      key_name: p.nameOrNone.since('2.54'),
      user_data: json<string | null>({ type: ['string', 'null'], format: 'base64', maxLength: 65535 }).since('2.57'),
      trusted_image_certificates: p.trustedCerts.since('2.63'),
      hostname: [p.hostname.since('2.90').until('2.93'), p.fqdn.since('2.94')],
    },
    { required: ['imageRef'] },
  ),
)

type Asked = Of<typeof rebuildBody>['rebuild']

/** The server as it is then, with the password that nobody else is told. */
interface Rebuilt extends Server {
  readonly adminPass?: string | undefined
}

export const rebuildAction = resource({
  'POST /servers/:id/action rebuild': action<{ readonly rebuild: Asked }, Rebuilt>({
    body: rebuildBody,
    rule: 'os_compute_api:servers:rebuild',
    errors: [400, 403, 404, 409],
    reply: one('server', rebuilt),
    loaders: { ...serverLoaders, adminPass: async ([server]) => (server as Rebuilt).adminPass },
    headers: ({ uuid }, _, links) => [['Location', links.self('servers', uuid)]],
    async run(call) {
      const { backends, context, member, body, params } = call
      const password = body.rebuild.adminPass ?? generatePassword(backends.settings.compute.passwordLength)
      await rebuild(backends, context, member, askedOf(call, member, body.rebuild, password)).catch(inWordsOfTheApi)
      const server = await findServer(backends, context, params.id!)
      return { ...server, adminPass: backends.settings.api.enableInstancePassword ? password : undefined }
    },
  }),
})

function inWordsOfTheApi(error: unknown): never {
  const kind = error instanceof Fault ? error.kind : undefined
  if (kind === 'imageNotFound') throw new Fault('badRequest', 'Cannot find image for rebuild')
  if (kind === 'keyPairNotFound') throw new Fault('badRequest', 'Invalid key_name provided.')
  throw error
}

function askedOf({ at, can, authorize }: Call, member: Server, asked: Asked, password: string): Rebuild {
  const { trusted_image_certificates: trustedCerts, 'OS-DCF:diskConfig': diskConfig } = asked
  if (trustedCerts !== undefined) authorize('os_compute_api:servers:rebuild:trusted_certs', ofOwner({ member }))
  return {
    imageRef: asked.imageRef,
    password,
    files: filesOf(asked.personality ?? []),
    ...(asked.name !== undefined && { name: asked.name.trim() }),
    ...(asked.description !== undefined && { description: asked.description }),
    ...(asked.metadata !== undefined && { metadata: asked.metadata }),
    ...(diskConfig !== undefined && { autoDiskConfig: diskConfig === 'AUTO' }),
    ...(asked.accessIPv4 !== undefined && { accessIpV4: asked.accessIPv4 }),
    ...(asked.accessIPv6 !== undefined && { accessIpV6: shortestIpv6(asked.accessIPv6) }),
    ...(asked.key_name !== undefined && { keyName: asked.key_name }),
    ...(asked.user_data !== undefined && { userData: asked.user_data }),
    ...(trustedCerts !== undefined && { trustedCerts }),
    ...(asked.hostname !== undefined && { hostname: asked.hostname }),
    preserveEphemeral: booleanFrom(asked.preserve_ephemeral ?? false) === true,
    onVolumeToo: at('2.93'),
    zeroDiskFlavor: can('os_compute_api:servers:create:zero_disk_flavor'),
  }
}
