import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { expect, test } from 'vitest'

// On other systems than Linux there is no disk that is always full
test.skipIf(!existsSync('/dev/full'))('a stream on a full disk does not end the process', () => {
  const full = openSync('/dev/full', 'w')
  const sinks = JSON.stringify(new URL('./log-sink.ts', import.meta.url).href)
  const code = `import { streamSink } from ${sinks}
    streamSink(process.stdout).write('one\\n')
    setTimeout(() => streamSink(process.stdout).write('two\\n'), 10)
    setTimeout(() => process.stderr.write('alive'), 20)`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  })
  closeSync(full)
  expect([status, stderr]).toEqual([0, 'alive'])
})
