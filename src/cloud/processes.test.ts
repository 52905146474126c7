import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { identify, isAlive, type ProcessId, stopProcess } from './processes.ts'

const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

async function start(script: string): Promise<ProcessId> {
  const child = spawn(process.execPath, ['-e', `${script}; process.stdout.write('on'); setInterval(() => {}, 1000)`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  started.push(child)
  await once(child.stdout!, 'data')
  return identify(child.pid!)!
}

test('a process is known again by its number and its start', async () => {
  const one = await start('')
  expect(one).toEqual(identify(one.pid))
  expect(isAlive(one)).toBe(true)
  expect(await stopProcess(one)).toBe('ended')
  expect(isAlive(one)).toBe(false)
  expect(await stopProcess(one)).toBe('gone')
})

test('a process that took over the number is neither alive nor stopped', async () => {
  const one = await start('')
  const earlier = { pid: one.pid, since: 'another start' }
  expect(isAlive(earlier)).toBe(false)
  expect(await stopProcess(earlier)).toBe('gone')
  expect(isAlive(one)).toBe(true)
})

test('who does not end when asked is ended', async () => {
  const deaf = await start("process.on('SIGTERM', () => {})")
  expect(await stopProcess(deaf, { patienceMs: 100 })).toBe('killed')
  expect(isAlive(deaf)).toBe(false)
})
