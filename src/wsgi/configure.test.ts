import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { configure } from './backends.ts'

const folder = mkdtempSync(join(tmpdir(), 'configure-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'nova.conf')
writeFileSync(join(folder, 'api-paste.ini'), '')

const configured = (text: string) => {
  writeFileSync(file, text)
  return configure('nova-api-os-compute', { OS_NOVA_CONFIG_DIR: folder })
}
const local = '[DEFAULT]\ntransport_url = local:///run/nova/messages.sock\n'

describe('brokers that no driver can speak to as asked keep a service from starting', () => {
  const rows: [text: string, message: string][] = [
    [
      '[DEFAULT]\ntransport_url = rabit://u:secret@h/',
      `${file}:2: [DEFAULT] transport_url: rabit://u:***@h/: there is no driver for rabit`,
    ],
    ['[DEFAULT]\ntransport_url = kafka://h', `${file}:2: [DEFAULT] transport_url: kafka://h: there is no driver for kafka`],
    ['[DEFAULT]\ntransport_url = rabbit://h:0', `${file}:2: [DEFAULT] transport_url: h:0 has no valid port`],
    [
      `${local}[oslo_messaging_rabbit]\nkombu_compression = bz2`,
      `${file}:4: [oslo_messaging_rabbit] kombu_compression: bz2 is not supported`,
    ],
    [
      '[oslo_messaging_rabbit]\nrabbit_login_method = RABBIT-CR-DEMO',
      `${file}:2: [oslo_messaging_rabbit] rabbit_login_method: RABBIT-CR-DEMO is not supported`,
    ],
    [
      '[oslo_messaging_rabbit]\nrabbit_ha_queues = true\nrabbit_quorum_queue = true',
      `${file}:3: [oslo_messaging_rabbit] rabbit_quorum_queue: a queue is either`,
    ],
    ['[oslo_messaging_rabbit]\nrabbit_ha_queues = perhaps', `${file}:2: [oslo_messaging_rabbit] rabbit_ha_queues: 'perhaps'`],
    [
      `${local}[oslo_messaging_notifications]\ndriver = messagingv2\ntransport_url = kafka://h`,
      `${file}:5: [oslo_messaging_notifications] transport_url: kafka://h: there is no driver for kafka`,
    ],
  ]
  for (const [text, message] of rows) test(text.replaceAll('\n', ' '), () => expect(configured(text)).rejects.toThrow(message))
})

describe('others do not', () => {
  const rows = [
    '',
    local,
    '[DEFAULT]\ntransport_url = rabbit://u:p@h1:5672,u:p@h2:5672/v?kombu_compression=gzip\n[oslo_messaging_rabbit]\nkombu_compression = bz2',
    '[oslo_messaging_rabbit]\nrabbit_quorum_queue = true\nrabbit_login_method = PLAIN\nkombu_compression = gzip',
    // nobody would send anything there
    '[oslo_messaging_notifications]\ndriver = noop\ntransport_url = kafka://h',
  ]
  for (const text of rows) test(text.replaceAll('\n', ' '), async () => expect((await configured(text)).sources.files).toContain(file))
})
