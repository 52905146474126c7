/** The admin password that a guest stores, encrypted with its user's key, for that user to fetch (nova/api/metadata/password.py). */
import type { CellStore } from '../../stores/cells.ts'

const parts = 4
const partLength = 255

/** In bytes. */
export const longestPassword = parts * partLength

/** Of the parts that system metadata holds; empty when there is none. */
export const storedPassword = (systemMetadata: Readonly<Record<string, string | null>>): string =>
  Object.keys(systemMetadata)
    .filter((key) => key.startsWith('password_'))
    .sort()
    .map((key) => systemMetadata[key] ?? '')
    .join('')

/** As system metadata, all four parts always. */
function passwordParts(password: string): Record<string, string> {
  // Python counts characters, JavaScript halves of some
  const letters = [...password]
  return Object.fromEntries(
    Array.from({ length: parts }, (_, i) => [`password_${i}`, letters.slice(i * partLength, (i + 1) * partLength).join('')]),
  )
}

/** Stores it where there is none yet; says whether it did, or that the server has gone. */
export async function storePassword(cell: CellStore, uuid: string, password: string): Promise<'stored' | 'present' | 'gone'> {
  const guest = await cell.guests.find(uuid)
  if (!guest) return 'gone'
  // nova/api/metadata/password.py handle_password asks its cache instead, which may not know a new one yet
  if (storedPassword(guest.systemMetadata) !== '') return 'present'
  await cell.systemMetadata.set(uuid, passwordParts(password))
  return 'stored'
}
