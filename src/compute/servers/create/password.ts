/** Passwords and reservation ids: texts that are made up. */
import { randomInt } from 'node:crypto'

// nova/utils.py DEFAULT_PASSWORD_SYMBOLS: nothing that looks like something else
const symbolGroups = ['23456789', 'ABCDEFGHJKLMNPQRSTUVWXYZ', 'abcdefghijkmnopqrstuvwxyz']

/** With at least one symbol of each group while there is room. nova/utils.py generate_password */
export function generatePassword(length: number): string {
  const first = shuffled(symbolGroups.map(oneOf)).slice(0, length)
  const all = symbolGroups.join('')
  return shuffled([...first, ...Array.from({ length: length - first.length }, () => oneOf(all))]).join('')
}

const oneOf = (symbols: string): string => symbols[randomInt(symbols.length)]!

function shuffled<T>(items: readonly T[]): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = randomInt(i + 1)
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}

/** `r-` and eight letters or digits. nova/utils.py generate_uid */
export const reservationId = (): string => `r-${Array.from({ length: 8 }, () => oneOf('0123456789abcdefghijklmnopqrstuvwxyz')).join('')}`
