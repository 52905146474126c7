#!/usr/bin/env node
// Puts the real cloud-init before our metadata service: `npm run cloud-init`. Its OpenStack and Ec2 data sources read two guests of the embedded
// cloud through a proxy like Neutron's, and must find what they found on real Nova for the same guests (recorded/, by cloud-init's version).
//
// `npm run cloud-init -- --record` asks another cloud and records its answers: OS_AUTH_URL and its companions say where it is, METADATA_URL and
// METADATA_SECRET how its metadata service is asked. It needs vendor-data.json as its [api] vendordata_jsonfile_path, StaticJSON and DynamicJSON as
// vendordata_providers, and `cloud-init@http://127.0.0.1:$VENDOR_DATA_PORT/` among vendordata_dynamic_targets. READER is the command of another
// cloud-init, with read.py as its last word.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { startCloud } = await import('../support/cloud.ts')
const { freePorts } = await import('../support/free-ports.ts')
const { startVendorData } = await import('./agent.ts')
const { differences, recorded, recordFile } = await import('./compare.ts')
const { makeGuests } = await import('./guests.ts')
const { installedCloudInit } = await import('./install.mjs')
const { readAs, sources } = await import('./recipe.ts')

const recording = process.argv.includes('--record')
const say = (text) => process.stdout.write(`${text}\n`)
const end = (passed, failed, skipped) => {
  say(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
  process.exit(failed > 0 ? 1 : 0)
}

const cloudInit = process.env.READER
  ? { command: process.env.READER.split(' '), env: {} }
  : installedCloudInit(join(tmpdir(), 'nova-ts-cloud-init'), say)
if (!cloudInit) end(0, 0, 1)

const folder = mkdtempSync(join(tmpdir(), 'nova-ts-guests-'))
const vendorPort = recording ? Number(process.env.VENDOR_DATA_PORT) : await freePorts(1)
const vendorData = await startVendorData(vendorPort)
let cloud
let made
let passed = 0
let failed = 0
try {
  if (!recording)
    cloud = await startCloud(say, {
      OS_API__VENDORDATA_PROVIDERS: 'StaticJSON,DynamicJSON',
      OS_API__VENDORDATA_JSONFILE_PATH: join(import.meta.dirname, 'vendor-data.json'),
      OS_API__VENDORDATA_DYNAMIC_TARGETS: `cloud-init@http://127.0.0.1:${vendorPort}/`,
    })
  const metadata = cloud ? ofCloud(cloud) : { url: process.env.METADATA_URL, secret: process.env.METADATA_SECRET }
  made = await makeGuests(cloud ? await cloud.variables() : process.env)
  const found = {}
  let version
  for (const guest of made.guests)
    for (const source of sources) {
      const name = `${guest.name} ${source}`
      const read = await readAs(guest, source, metadata, cloudInit, folder)
      found[name] = read.found
      version = read.version
    }
  if (recording) {
    mkdirSync(join(import.meta.dirname, 'recorded'), { recursive: true })
    writeFileSync(recordFile(version), `${JSON.stringify(found, null, 2)}\n`)
    say(`recorded what cloud-init ${version} found`)
  } else {
    const { answers, whole } = recorded(version)
    say(`cloud-init ${version}${whole ? '' : ' is not among those recorded: what it makes of the network is not compared'}`)
    for (const [name, data] of Object.entries(found))
      for (const [field, difference] of differences(answers[name], data, whole)) {
        if (difference === null) passed++
        else failed++
        say(`${name} ${field}: ${difference ?? 'as on real Nova'}`)
      }
  }
} catch (error) {
  failed++
  say(`${error.stack}\n${cloud?.logs() ?? ''}`)
} finally {
  if (!cloud) await made?.remove()
  await cloud?.down()
  vendorData.close()
  vendorData.closeAllConnections()
  for (const place of [folder, cloud?.folder]) if (place) rmSync(place, { recursive: true, force: true })
}
end(passed, failed, 0)

/** Where a cloud's metadata service is, and the secret that it shares with Neutron's agent. */
function ofCloud({ state }) {
  const secret = /^metadata_proxy_shared_secret = (.*)$/m.exec(readFileSync(join(state, 'etc', 'nova.conf'), 'utf8'))[1]
  const { place } = JSON.parse(readFileSync(join(state, 'run', 'roster.json'), 'utf8'))
  return { url: `http://${place.bind}:${place.ports.metadata}`, secret: secret.replaceAll('$$', '$') }
}
