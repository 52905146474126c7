import { defineConfig } from 'vitest/config'

/** Tests that need a broker: `npm run rabbitmq` starts one and runs them. */
export default defineConfig({
  test: { include: ['tests/rabbitmq/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000, pool: 'threads', fileParallelism: false },
})
