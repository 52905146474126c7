/** Writes ASN.1 in its distinguished encoding: as much of it as certificates and PKCS #12 files need. */

export type Der = Uint8Array

const tagged = (tag: number, ...parts: readonly Der[]): Der => {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content])
}

function lengthOf(length: number): Der {
  if (length < 0x80) return Buffer.from([length])
  const digits = bytesOf(BigInt(length))
  return Buffer.concat([Buffer.from([0x80 | digits.length]), digits])
}

function bytesOf(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex')
}

export const sequence = (...parts: readonly Der[]): Der => tagged(0x30, ...parts)
export const set = (...parts: readonly Der[]): Der => tagged(0x31, ...parts)
export const octets = (content: Der): Der => tagged(0x04, content)
/** A bit string of whole bytes. */
export const bits = (content: Der): Der => tagged(0x03, Buffer.from([0]), content)
export const utf8 = (text: string): Der => tagged(0x0c, Buffer.from(text))
export const none: Der = Buffer.from([0x05, 0])
export const explicit = (tag: number, ...parts: readonly Der[]): Der => tagged(0xa0 | tag, ...parts)

/** A number that is not negative. */
export function integer(value: number | bigint): Der {
  const digits = bytesOf(BigInt(value))
  return tagged(0x02, digits[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits)
}

/** `1.2.840.113549.1.7.1` */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const arc = (value: number): number[] => {
    const out = [value & 0x7f]
    for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) out.unshift(0x80 | (left & 0x7f))
    return out
  }
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(arc)]))
}

/** A time to the second: two digits for years from 1950 to 2049, as X.509 wants it. */
export function time(milliseconds: number): Der {
  const text = `${new Date(milliseconds).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
  const year = Number(text.slice(0, 4))
  return year >= 1950 && year < 2050 ? tagged(0x17, Buffer.from(text.slice(2))) : tagged(0x18, Buffer.from(text))
}
