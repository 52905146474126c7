/** Passwords and secrets as scrypt hashes. A check that succeeded is remembered for the life of the process, so that repeated logins cost nothing. */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** Cheap: about 3 ms of a thread, so that a new cloud is there at once. What is guarded is a cloud for tests. */
const cost = 1024
const remembered = 1000

export interface Passwords {
  /** `scrypt$<cost>$<salt>$<hash>` */
  hash(password: string): Promise<string>
  /** Whether it is the password that was hashed; never for null. */
  check(password: string, hash: string | null): Promise<boolean>
}

export function passwords(): Passwords {
  const key = randomBytes(32)
  /** By hash, a keyed digest of the password that matched it. */
  const known = new Map<string, Buffer>()
  return {
    async hash(password) {
      const salt = randomBytes(16)
      const derived = await derive(password, salt, cost)
      return `scrypt$${cost}$${salt.toString('base64url')}$${derived.toString('base64url')}`
    },
    async check(password, hash) {
      if (hash === null) return false
      const digest = createHmac('sha256', key).update(password).digest()
      const before = known.get(hash)
      if (before && timingSafeEqual(before, digest)) return true
      const [, rounds, salt, wanted] = hash.split('$') as [string, string, string, string]
      const derived = await derive(password, Buffer.from(salt, 'base64url'), Number(rounds))
      if (!timingSafeEqual(derived, Buffer.from(wanted, 'base64url'))) return false
      if (known.size >= remembered) known.clear()
      known.set(hash, digest)
      return true
    },
  }
}

const derive = (password: string, salt: Buffer, n: number): Promise<Buffer> =>
  new Promise((done, fail) => {
    scrypt(password, salt, 32, { N: n, r: 8, p: 1 }, (error, derived) => (error ? fail(error) : done(derived)))
  })
