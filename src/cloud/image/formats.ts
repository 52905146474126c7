/** What the first bytes of an image say of its format, as oslo.utils' format_inspector tells them apart. */

/** As much of an image's start as the tests look at: an ISO 9660 volume says so in its 17th sector. */
export const headBytes = 34 * 1024

interface Format {
  readonly name: string
  readonly matches: (head: Buffer) => boolean
  /** The size of the disk inside, in bytes. */
  readonly virtualSize?: (head: Buffer) => number
}

const startsWith = (text: string) => (head: Buffer) => head.subarray(0, text.length).toString('latin1') === text
const u64 = (head: Buffer, at: number): number => (head.length >= at + 8 ? Number(head.readBigUInt64BE(at)) : 0)

const formats: readonly Format[] = [
  { name: 'qcow2', matches: startsWith('QFI\xfb'), virtualSize: (head) => u64(head, 24) },
  { name: 'qed', matches: startsWith('QED\0') },
  { name: 'vmdk', matches: (head) => startsWith('KDMV')(head) || startsWith('# Disk Descriptor')(head) },
  { name: 'vhd', matches: startsWith('conectix'), virtualSize: (head) => u64(head, 40) },
  { name: 'vhdx', matches: startsWith('vhdxfile') },
  {
    name: 'vdi',
    matches: (head) => head.length >= 0x44 && head.readUInt32LE(0x40) === 0xbeda107f,
    virtualSize: (head) => (head.length >= 0x178 ? Number(head.readBigUInt64LE(0x170)) : 0),
  },
  { name: 'luks', matches: startsWith('LUKS\xba\xbe') },
  { name: 'iso', matches: (head) => head.subarray(0x8001, 0x8006).toString('latin1') === 'CD001' },
]

/** Formats whose bytes say nothing. */
const unspoken = ['ami', 'ari', 'aki', 'ploop']

/**
 * The size of the disk in an image that claims a format, null where it cannot be told; or what the image is instead, when it
 * is not what it claims to be (glance/location.py set_data, [image_format] require_image_format_match).
 */
export function inspect(claimed: string, head: Buffer, size: number): { virtualSize: number | null } | { instead: string } {
  const seen = formats.find((format) => format.matches(head))
  if (claimed === 'raw') return { virtualSize: size }
  if (seen?.name === claimed) return { virtualSize: seen.virtualSize?.(head) ?? (claimed === 'iso' ? size : null) }
  if (!seen && unspoken.includes(claimed)) return { virtualSize: null }
  return { instead: seen?.name ?? 'raw' }
}
