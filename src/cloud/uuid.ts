/** UUIDs as OpenStack takes them (oslo_utils/uuidutils.py). */

/** With dashes anywhere, in braces, or without any. */
export const isUuidLike = (text: string): boolean => /^[0-9a-f]{32}$/i.test(bare(text))

/** With its dashes, in lower case. */
export const withDashes = (uuid: string): string =>
  bare(uuid)
    .toLowerCase()
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

const bare = (text: string): string => text.replace('urn:', '').replace('uuid:', '').replace(/[{}-]/g, '')
