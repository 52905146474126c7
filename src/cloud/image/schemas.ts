/** The schemas that clients ask for before they speak of images (glance/api/v2/images.py, image_members.py), and the checks they stand for. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { explained } from '../jsonschema.ts'
import { badRequest } from './faults.ts'

const containerFormats = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'] as const
const diskFormats = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'] as const

const uuid = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'
const readOnly = true
const maybeText = ['null', 'string']
const maybeInteger = ['null', 'integer']

/** What an image has by itself; anything else that it is given is text. */
const base = {
  id: { type: 'string', description: 'An identifier for the image', pattern: uuid },
  name: { type: maybeText, description: 'Descriptive name for the image', maxLength: 255 },
  status: {
    type: 'string',
    readOnly,
    description: 'Status of the image',
    enum: ['queued', 'saving', 'active', 'killed', 'deleted', 'uploading', 'importing', 'pending_delete', 'deactivated'],
  },
  visibility: { type: 'string', description: 'Scope of image accessibility', enum: ['community', 'public', 'private', 'shared'] },
  protected: { type: 'boolean', description: 'If true, image will not be deletable.' },
  os_hidden: { type: 'boolean', description: 'If true, image will not appear in default image list response.' },
  checksum: { type: maybeText, readOnly, description: 'md5 hash of image contents.', maxLength: 32 },
  os_hash_algo: { type: maybeText, readOnly, description: 'Algorithm to calculate the os_hash_value', maxLength: 64 },
  os_hash_value: {
    type: maybeText,
    readOnly,
    description: 'Hexdigest of the image contents using the algorithm specified by the os_hash_algo',
    maxLength: 128,
  },
  owner: { type: maybeText, description: 'Owner of the image', maxLength: 255 },
  size: { type: maybeInteger, readOnly, description: 'Size of image file in bytes' },
  virtual_size: { type: maybeInteger, readOnly, description: 'Virtual size of image in bytes' },
  container_format: { type: maybeText, description: 'Format of the container', enum: [null, ...containerFormats] },
  disk_format: { type: maybeText, description: 'Format of the disk', enum: [null, ...diskFormats] },
  created_at: { type: 'string', readOnly, description: 'Date and time of image registration' },
  updated_at: { type: 'string', readOnly, description: 'Date and time of the last image modification' },
  tags: { type: 'array', description: 'List of strings related to the image', items: { type: 'string', maxLength: 255 } },
  direct_url: { type: 'string', readOnly, description: 'URL to access the image file kept in external store' },
  min_ram: { type: 'integer', description: 'Amount of ram (in MB) required to boot image.' },
  min_disk: { type: 'integer', description: 'Amount of disk space (in GB) required to boot image.' },
  self: { type: 'string', readOnly, description: 'An image self url' },
  file: { type: 'string', readOnly, description: 'An image file url' },
  stores: {
    type: 'string',
    readOnly,
    description:
      'Store in which image data resides.  Only present when the operator has enabled multiple stores.  May be a comma-separated list of store identifiers.',
  },
  schema: { type: 'string', readOnly, description: 'An image schema url' },
  locations: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        url: { type: 'string', maxLength: 255 },
        metadata: { type: 'object' },
        validation_data: {
          description:
            "Values to be used to populate the corresponding image properties. If the image status is not 'queued', values must exactly match those already contained in the image properties.",
          type: 'object',
          writeOnly: true,
          additionalProperties: false,
          properties: {
            checksum: { type: 'string', minLength: 32, maxLength: 32 },
            os_hash_algo: { type: 'string', maxLength: 64 },
            os_hash_value: { type: 'string', maxLength: 128 },
          },
          required: ['os_hash_algo', 'os_hash_value'],
        },
      },
      required: ['url', 'metadata'],
    },
    description: 'A set of URLs to access the image file kept in external store',
  },
} as const

const image = {
  name: 'image',
  properties: base,
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
}

const member = {
  name: 'member',
  properties: {
    member_id: { type: 'string', description: 'An identifier for the image member (tenantId)' },
    image_id: { type: 'string', description: 'An identifier for the image', pattern: uuid },
    created_at: { type: 'string', description: 'Date and time of image member creation' },
    updated_at: { type: 'string', description: 'Date and time of last modification of image member' },
    status: { type: 'string', description: 'The status of this image member', enum: ['pending', 'accepted', 'rejected'] },
    schema: { readOnly, type: 'string' },
  },
}

const text = { type: 'string' }

export const schemas = {
  image,
  images: {
    name: 'images',
    properties: { images: { type: 'array', items: image }, first: text, next: text, schema: text },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  },
  member,
  members: {
    name: 'members',
    properties: { members: { type: 'array', items: member }, schema: text },
    links: [{ rel: 'describedby', href: '{schema}' }],
  },
}

export const isBase = (name: string): boolean => Object.hasOwn(base, name)

const ajv = new Ajv2020({ strict: false, verbose: true, validateSchema: false })
let compiled: ValidateFunction | undefined

/** 400 when these values are none that an image may have. */
export function checkImage(values: Readonly<Record<string, unknown>>): void {
  // not at the start, which has better things to do
  const validate = (compiled ??= ajv.compile({ type: 'object', properties: base, additionalProperties: image.additionalProperties }))
  if (!validate(values)) throw badRequest(`Provided object does not match schema 'image': ${explained(validate.errors![0]!)}`)
}
