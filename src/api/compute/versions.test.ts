import { expect, test } from 'vitest'
import type { Application } from '../../app/contract.ts'
import { ask } from '../../app/testing.ts'
import { versionDocument, versionsRoot } from './versions.ts'

const root = versionsRoot({ prefix: null })
const document = versionDocument({ prefix: null })
const json = { 'content-type': 'application/json' }

const rows: [Application, line: string, body: string, status: number, headers?: Record<string, string>][] = [
  [root, 'GET /', '', 200],
  [root, 'POST /', '{}', 200],
  [root, 'POST /', '', 200],
  [root, 'POST /', 'x', 400],
  [root, 'DELETE /', 'x', 200],
  [root, 'GET /servers', '', 300],
  [root, 'PUT /servers', 'x', 400],
  [root, 'GET /?a=%FF', '', 400],
  [root, 'GET /', '', 415, { 'content-type': 'text/html' }],
  [document, 'GET /', '', 200],
  [document, 'POST /', '[]', 200],
  [document, 'POST /', '{', 400],
  [document, 'GET /', '', 406, { 'openstack-api-version': 'compute 2.999' }],
]
for (const [app, line, body, status, headers = json] of rows)
  test(`${app === root ? 'root' : 'document'}: ${line} ${body} ${JSON.stringify(headers)} → ${status}`, async () =>
    expect((await app(ask(line, { headers, body }))).status).toBe(status))
