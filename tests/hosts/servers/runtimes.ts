/** Hosts that take the application itself: node:http, node:cluster, Express, Fastify, and the other two runtimes. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { echoModule } from '../own.ts'
import type { Host, Setting } from './hosts.ts'
import { start } from './processes.ts'

const mounts = join(import.meta.dirname, '..', 'mounts')

const mounted = (
  name: string,
  file: string,
  library?: (setting: Setting) => string,
  except: Readonly<Record<string, string>> = {},
): Host => ({
  name,
  async start(setting) {
    const words = [process.execPath, join(mounts, file), echoModule, String(setting.port), ...(library ? [library(setting)] : [])]
    return {
      running: [await start(words, { port: setting.port }, { folder: setting.folder, name: file })],
      target: { port: setting.port, except },
    }
  },
})

/** The runtimes' own packages bring them as files, each under a name of its platform. */
const found = (packages: string, paths: readonly string[]): string => paths.map((path) => join(packages, path)).find(existsSync) ?? ''

const standardHides: Readonly<Record<string, string>> = {
  'the address of the client': 'the web standard tells no address',
  'two Vary headers': 'the web standard joins headers of one name',
}

export const runtimes: readonly Host[] = [
  mounted('node:http', 'node-http.mjs'),
  mounted('node:cluster', 'node-cluster.mjs'),
  mounted('Express', 'express.mjs', ({ packages }) => join(packages, 'express/index.js')),
  mounted('Fastify', 'fastify.mjs', ({ packages }) => join(packages, 'fastify/fastify.js'), {
    'the path /%FF': 'Fastify refuses a path that is no UTF-8',
  }),
  {
    name: 'Bun',
    async start(setting) {
      const bun = found(setting.packages, [
        '@oven/bun-linux-x64/bin/bun',
        '@oven/bun-linux-x64-baseline/bin/bun',
        '@oven/bun-linux-aarch64/bin/bun',
      ])
      const running = await start(
        [bun, echoModule],
        { port: setting.port },
        { folder: setting.folder, name: 'bun', env: { PORT: String(setting.port), HOST: '127.0.0.1' } },
      )
      return {
        running: [running],
        target: {
          port: setting.port,
          except: { ...standardHides, 'two requests at once on one connection': 'Bun closes the connection after the first' },
        },
      }
    },
  },
  {
    name: 'Deno',
    async start(setting) {
      const deno = found(setting.packages, ['@deno/linux-x64-glibc/deno', '@deno/linux-arm64-glibc/deno'])
      const running = await start(
        [deno, 'serve', '--allow-all', '--no-check', '--unstable-sloppy-imports', '--host=127.0.0.1', `--port=${setting.port}`, echoModule],
        { port: setting.port },
        { folder: setting.folder, name: 'deno', env: { DENO_NO_UPDATE_CHECK: '1', DENO_DIR: join(setting.folder, 'deno') } },
      )
      return { running: [running], target: { port: setting.port, except: standardHides } }
    },
  },
]
