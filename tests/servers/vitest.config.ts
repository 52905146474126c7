import { defineConfig } from 'vitest/config'

/** Tests that need MariaDB and PostgreSQL: `npm run databases` starts both and runs them. */
export default defineConfig({
  test: { include: ['tests/servers/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000, pool: 'threads' },
})
