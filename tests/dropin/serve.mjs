#!/usr/bin/env node
// Runs any command, a test suite say, while our two services stand in the place of a real deployment's own (stopped before, by whoever runs it):
//   node tests/dropin/serve.mjs COMMAND [ARGUMENT…]
// What must be in the environment: see services.mjs. Ends with the command's exit code, or with 1 when one of the services has ended meanwhile.
import { spawn } from 'node:child_process'
import { startServices, stop } from './services.mjs'

const [command, ...words] = process.argv.slice(2)
if (!command) stop('which command? node tests/dropin/serve.mjs COMMAND [ARGUMENT…]')
const running = await startServices()
process.stdout.write(`logs: ${running.folder}\n`)
const status = await new Promise((done) =>
  spawn(command, words, { stdio: 'inherit' })
    .on('error', (error) => stop(error.message))
    .on('close', (code) => done(code ?? 1)),
)
const ended = running.services.filter(({ child }) => child.exitCode !== null || child.signalCode !== null).map(({ name }) => name)
await running.stop()
if (ended.length > 0) process.stderr.write(`ended meanwhile: ${ended.join(', ')}\n`)
process.exit(ended.length > 0 ? 1 : status)
