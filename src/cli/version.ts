/** Which release of this package runs. */
import { createRequire } from 'node:module'

export const version = (): string => (createRequire(import.meta.url)('nova-ts/package.json') as { version: string }).version
