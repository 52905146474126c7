import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readSources } from '../oslo/config/sources.ts'
import { peerSettings } from './options.ts'

const folder = mkdtempSync(join(tmpdir(), 'options-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('auth_section names the group that says who asks; everything else is of the own group', async () => {
  const path = join(folder, 'nova.conf')
  writeFileSync(
    path,
    `[neutron]
auth_section = common
username = nobody
timeout = 7
region_name = north
[service_user]
send_service_user_token = true
auth_section = common
[placement]
auth_type = password
username = placement
[common]
auth_type = v3password
username = shared
timeout = 9
`,
  )
  const { neutron, serviceUser, placement, glance } = peerSettings(await readSources({ files: [path], prog: 'nova-api', searchIn: [] }))
  expect(neutron).toMatchObject({ authType: 'v3password', username: 'shared', timeout: 7, regionName: 'north' })
  expect(serviceUser).toMatchObject({ authType: 'v3password', username: 'shared', sendServiceUserToken: true })
  expect(placement).toMatchObject({ authType: 'password', username: 'placement' })
  expect(glance).not.toHaveProperty('authType')
})
