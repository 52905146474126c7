/** The body of POST /servers, over all microversions. */
import * as p from '../../spec/parameters.ts'
import { array, json, type Of, object, oneOf, words } from '../../spec/shape.ts'

const text = (maxLength: number) => json<string>({ type: 'string', maxLength })

const device = {
  virtual_name: text(255),
  volume_id: p.uuid,
  snapshot_id: p.uuid,
  volume_size: p.volumeSize,
  device_name: json<string>({ type: 'string', minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9._/-]*$' }),
  delete_on_termination: p.boolean,
  no_device: p.anything,
  connection_info: text(16_777_215),
}

const deviceV2 = {
  ...device,
  source_type: words(['volume', 'image', 'snapshot', 'blank']),
  uuid: json<string>({ type: 'string', minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9._-]*$' }),
  image_id: p.uuid,
  destination_type: words(['local', 'volume']),
  guest_format: text(255),
  device_type: text(255),
  disk_bus: text(255),
  boot_index: json<number | string | null>({ type: ['integer', 'string', 'null'], pattern: '^-?[0-9]+$' }),
  // A slip of 2.32 that 2.42 made good
  tag: [p.tag.since('2.32').until('2.32'), p.tag.since('2.42')],
  volume_type: p.volumeType.since('2.67'),
}

const port = json<string | null>({ type: ['string', 'null'], format: 'uuid' })

const networks = [
  array(object({ fixed_ip: p.ipAddress, port, uuid: p.text, tag: p.tag.since('2.32') })).until('2.36'),
  oneOf([array(object({ fixed_ip: p.ipAddress, port, uuid: p.uuid, tag: p.tag.since('2.42') })), words(['none', 'auto'])]).since('2.37'),
] as const

const server = {
  name: [p.nameWithSpaces.until('2.0'), p.name.since('2.1')],
  imageRef: p.imageIdOrEmpty,
  flavorRef: p.flavorRef,
  adminPass: p.adminPassword,
  metadata: p.metadata,
  networks,
  'OS-DCF:diskConfig': p.diskConfig,
  accessIPv4: p.ipv4,
  accessIPv6: p.ipv6,
  personality: p.personality.until('2.56'),
  availability_zone: [p.nameWithSpaces.until('2.0'), p.name.since('2.1')],
  block_device_mapping: array(object(device)),
  block_device_mapping_v2: array(object(deviceV2)),
  config_drive: p.boolean,
  key_name: [p.nameWithSpaces.until('2.0'), p.name.since('2.1')],
  min_count: p.positiveInteger,
  max_count: p.positiveInteger,
  return_reservation_id: p.boolean,
  security_groups: array(object({ name: [p.nameWithSpaces.until('2.0'), p.name.since('2.1')] })),
  user_data: [
    json<string | null>({ type: ['string', 'null'], format: 'base64', maxLength: 65_535 }).until('2.0'),
    json<string | null>({ type: 'string', format: 'base64', maxLength: 65_535 }).since('2.1'),
  ],
  description: p.description.since('2.19'),
  tags: array(p.tag, { maxItems: 50 }).since('2.52'),
  trusted_image_certificates: p.trustedCerts.since('2.63'),
  host: p.fqdn.since('2.74'),
  hypervisor_hostname: p.fqdn.since('2.74'),
  hostname: [p.hostname.since('2.90').until('2.93'), p.fqdn.since('2.94')],
} as const

const uuidOrMany = (kinds: readonly ['array', 'string'] | readonly ['string', 'array']) =>
  oneOf(kinds.map((kind) => (kind === 'array' ? array(p.uuid) : p.uuid)))

/** Only the group means something to the API; any other key is taken. */
const hints = object(
  {
    group: uuidOrMany(['array', 'string']),
    different_host: uuidOrMany(['string', 'array']),
    same_host: json<string | string[]>({ type: ['string', 'array'], items: { type: 'string', format: 'uuid' } }),
    query: json<string | object>({ type: ['string', 'object'] }),
    target_cell: p.name,
    different_cell: json<string | string[]>({ type: ['string', 'array'], items: { type: 'string' } }),
    build_near_host_ip: p.ipAddress,
    cidr: json<string>({ type: 'string', pattern: '^/[0-9a-f.:]+$' }),
  },
  { others: true },
)

export const createBody = object(
  {
    server: [
      object(server, { required: ['name', 'flavorRef'] }).until('2.36'),
      object(server, { required: ['name', 'flavorRef', 'networks'] }).since('2.37'),
    ],
    'os:scheduler_hints': hints,
    'OS-SCH-HNT:scheduler_hints': hints,
  },
  { required: ['server'] },
)

export type CreateBody = Of<typeof createBody>
export type ServerBody = CreateBody['server']
