import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    exclude: ['tests/rabbitmq/**', 'tests/servers/**'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    pool: 'threads',
    // one for each core: without it a machine of two runs one file at a time
    maxWorkers: '100%',
  },
})
