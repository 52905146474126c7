/** Fernet tokens (github.com/fernet/spec): text that only the holder of the key can make or read. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const version = 0x80
const headerBytes = 1 + 8 + 16
const macBytes = 32

/** A new key: 16 bytes to sign with and 16 to encrypt with. */
export const newKey = (): Buffer => randomBytes(32)

/** `now` in milliseconds; the token carries it in seconds. Without base64 padding, as Keystone hands its tokens out. */
export function seal(key: Buffer, content: string, now: number): string {
  const header = Buffer.alloc(headerBytes)
  header[0] = version
  header.writeBigUInt64BE(BigInt(Math.floor(now / 1000)), 1)
  const iv = randomBytes(16)
  iv.copy(header, 9)
  const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv)
  const signed = Buffer.concat([header, cipher.update(content, 'utf8'), cipher.final()])
  return Buffer.concat([signed, mac(key, signed)]).toString('base64url')
}

/** The content, or null for what this key did not seal. */
export function open(key: Buffer, token: string): string | null {
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length < headerBytes + macBytes || bytes[0] !== version) return null
  const signed = bytes.subarray(0, -macBytes)
  if (!timingSafeEqual(mac(key, signed), bytes.subarray(-macBytes))) return null
  try {
    const decipher = createDecipheriv('aes-128-cbc', key.subarray(16), signed.subarray(9, headerBytes))
    return Buffer.concat([decipher.update(signed.subarray(headerBytes)), decipher.final()]).toString()
  } catch {
    return null
  }
}

const mac = (key: Buffer, content: Buffer): Buffer => createHmac('sha256', key.subarray(0, 16)).update(content).digest()
