import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { ownNames } from './own-names.ts'
import { rabbitSettings } from './testing.ts'

const directories: string[] = []
const newDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'names-'))
  directories.push(directory)
  return directory
}
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})

const named = rabbitSettings({ useQueueManager: true, hostname: 'node1', processname: 'nova-api' })

test('without use_queue_manager a name is random', () => {
  const name = ownNames(rabbitSettings())
  expect(name()).toMatch(/^[0-9a-f]{32}$/)
  expect(name()).not.toBe(name())
})

test('a number is held by a living process alone', () => {
  const directory = newDirectory()
  // the process of that number began at another moment
  writeFileSync(join(directory, 'node1_nova-api_queue.1'), `${process.pid} 1`)
  writeFileSync(join(directory, 'node1_nova-api_queue.2'), '999999999 5')
  const name = ownNames(named, directory)
  expect([name(), name(), name()]).toEqual(['node1:nova-api:1', 'node1:nova-api:2', 'node1:nova-api:3'])
  expect(readdirSync(directory).toSorted()).toEqual(['node1_nova-api_queue.1', 'node1_nova-api_queue.2', 'node1_nova-api_queue.3'])
})

test('the name of a program that is a path stays in the directory', () => {
  const directory = newDirectory()
  expect(ownNames(rabbitSettings({ useQueueManager: true, hostname: 'n', processname: '../x/y' }), directory)()).toBe('n:../x/y:1')
  expect(readdirSync(directory)).toEqual(['n_..-x-y_queue.1'])
})
