/** What Keystone said about tokens, in a memcached that other workers, hosts and services share: as keystonemiddleware writes it, plain, signed or encrypted. */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Memcached } from '../../oslo/memcached/client.ts'

export interface TokenCache {
  /** The body of Keystone's answer; undefined when it is not there or cannot be believed. */
  get(token: string): Promise<unknown>
  set(token: string, body: unknown): Promise<void>
  close(): void
}

export interface TokenCacheParts {
  readonly memcached: Memcached
  /** `memcache_security_strategy`. */
  readonly strategy: 'None' | 'MAC' | 'ENCRYPT'
  /** `memcache_secret_key`. */
  readonly secret: string
  /** Seconds for which it is kept; 0: until it is pushed out. */
  readonly seconds: number
  readonly report: (error: unknown) => void
}

export function tokenCache({ memcached, strategy, secret, seconds, report }: TokenCacheParts): TokenCache {
  const protection = strategy === 'None' ? plain : keyed(strategy, secret)
  return {
    async get(token) {
      const { key, open } = protection(token)
      const kept = await memcached.get(key)
      if (!kept) return undefined
      try {
        const body: unknown = JSON.parse(open(kept).toString())
        // keystonemiddleware/auth_token AuthProtocol.fetch_token: pairs of body and expiry were stored once
        return Array.isArray(body) && body.length === 2 ? body[0] : body
      } catch (error) {
        report(new Error(`what memcached holds of a token cannot be believed: ${(error as Error).message}`))
        return undefined
      }
    },
    async set(token, body) {
      const { key, seal } = protection(token)
      await memcached.set(key, seal(Buffer.from(JSON.stringify(asStored(token, body)))), seconds)
    },
    close: () => memcached.close(),
  }
}

/** As keystoneclient's AccessInfoV3 goes into JSON: the answer with its version, and the token itself. */
const asStored = (token: string, body: unknown): unknown => ({
  token: { ...(body as { token: object }).token, version: 'v3', auth_token: token },
})

interface Protected {
  readonly key: string
  seal(text: Buffer): Buffer
  /** Throws when it was changed, or is for another. */
  open(kept: Buffer): Buffer
}

const plain = (token: string): Protected => ({
  key: `tokens/${createHash('sha256').update(token).digest('hex')}`,
  seal: (text) => text,
  open: (kept) => kept,
})

/** Base64 of 48 bytes. */
const macLength = 64
const part = 16

// keystonemiddleware/auth_token/_memcache_crypt.py: one HMAC gives the name of the entry, the key that signs it and the key that encrypts it
const keyed =
  (strategy: 'MAC' | 'ENCRYPT', secret: string) =>
  (token: string): Protected => {
    const digest = createHmac('sha384', secret).update(`${token}${strategy}`).digest()
    const [name, signing, encrypting] = [digest.subarray(0, part), digest.subarray(part, 2 * part), digest.subarray(2 * part)]
    const macOf = (data: Buffer) => Buffer.from(createHmac('sha384', signing).update(data).digest('base64'))
    return {
      // the b and the quotes are what Python 3 makes of bytes in a string
      key: `tokens/b'${name.toString('base64')}'`,
      seal(text) {
        const data = Buffer.from((strategy === 'ENCRYPT' ? encrypted(encrypting, text) : text).toString('base64'))
        return Buffer.concat([macOf(data), data])
      },
      open(kept) {
        const data = kept.subarray(macLength)
        const mac = kept.subarray(0, macLength)
        if (mac.length !== macLength || !timingSafeEqual(mac, macOf(data))) throw new Error('its signature is not ours')
        const bytes = Buffer.from(data.toString(), 'base64')
        return strategy === 'ENCRYPT' ? decrypted(encrypting, bytes) : bytes
      },
    }
  }

function encrypted(key: Buffer, text: Buffer): Buffer {
  const start = randomBytes(16)
  const cipher = createCipheriv('aes-128-cbc', key, start)
  return Buffer.concat([start, cipher.update(text), cipher.final()])
}

function decrypted(key: Buffer, bytes: Buffer): Buffer {
  const cipher = createDecipheriv('aes-128-cbc', key, bytes.subarray(0, 16))
  return Buffer.concat([cipher.update(bytes.subarray(16)), cipher.final()])
}
