import { expect, test } from 'vitest'
import { id, type Person, provider, testPlacement } from './fixture.ts'

const rows: [who: Person | undefined, version: number, route: string, status: number, detail: unknown, headers?: Record<string, string>][] =
  [
    [undefined, 0, 'GET /', 200, undefined],
    [undefined, 0, 'GET /traits', 401, undefined],
    ['admin', 99, 'GET /traits', 406, 'Invalid microversion: Unacceptable version header: 1.99'],
    ['admin', 0, 'GET /nothing', 404, 'could not be found'],
    ['admin', 0, 'DELETE /traits', 405, 'The method DELETE is not allowed'],
    ['admin', 5, 'GET /traits', 404, 'could not be found'],
    ['admin', 6, 'GET /traits', 200, undefined],
    ['admin', 1, 'GET /resource_classes', 404, ''],
    ['admin', 2, 'GET /resource_classes', 200, undefined],
    ['admin', 8, 'GET /usages?project_id=one', 404, ''],
    ['admin', 9, 'GET /allocation_candidates?resources=VCPU:1', 404, ''],
    ['admin', 10, 'GET /allocation_candidates?resources=VCPU:1', 200, undefined],
    ['admin', 29, 'POST /reshaper', 404, ''],
    ['admin', 4, `DELETE /resource_providers/${id(1)}/inventories`, 405, 'not allowed'],
    ['admin', 5, `DELETE /resource_providers/${id(1)}/inventories`, 204, undefined],
    ['admin', 0, `GET /resource_providers/${id(1)}/aggregates`, 404, ''],
    ['admin', 1, `GET /resource_providers/${id(1)}/aggregates`, 200, undefined],
    ['admin', 39, 'GET /traits', 406, 'Only application/json is provided', { accept: 'text/html' }],
    ['admin', 39, 'POST /resource_providers', 415, 'The media type text/plain is not supported', { 'content-type': 'text/plain' }],
    ['nova', 39, 'GET /resource_providers', 200, undefined],
    ['ann', 39, 'GET /resource_providers', 403, 'Policy does not allow placement:resource_providers:list to be performed.'],
    ['ann', 39, 'GET /usages?project_id=one', 200, undefined],
    ['ann', 39, 'GET /usages?project_id=two', 403, 'placement:usages'],
    // Services alone may reshape.
    ['admin', 30, 'POST /reshaper', 403, 'placement:reshaper:reshape', { 'content-type': 'application/json' }],
    ['nova', 30, 'POST /reshaper', 400, 'Malformed JSON', { 'content-type': 'application/json' }],
  ]
for (const [who, version, route, status, detail, headers] of rows)
  test(`${who} 1.${version} ${route} → ${status}`, async () => {
    const cloud = testPlacement()
    await provider(cloud, 1)
    const answer = await cloud.call(who, version, route, undefined, headers)
    expect(answer.status).toBe(status)
    expect(answer.header('x-openstack-request-id')).toMatch(/^req-/)
    if (typeof detail === 'string') expect(answer.body.errors[0].detail).toContain(detail)
  })

test('the form of an error, with a code from 1.23 and the versions when none fits', async () => {
  const cloud = testPlacement()
  const error = async (version: number) => (await cloud.call('admin', version, `GET /resource_providers/${id(9)}`)).body
  const told = {
    status: 404,
    title: 'Not Found',
    detail: `The resource could not be found.\n\n No resource provider with uuid ${id(9)} found  `,
    request_id: expect.stringMatching(/^req-/),
  }
  expect(await error(22)).toEqual({ errors: [told] })
  expect(await error(23)).toEqual({ errors: [{ ...told, code: 'placement.undefined_code' }] })
  expect((await error(40)).errors[0]).toMatchObject({ status: 406, max_version: '1.39', min_version: '1.0' })
})

test('the version that was served and, from 1.15, how long an answer may be kept', async () => {
  const cloud = testPlacement()
  const headers = async (version: number) => {
    const { header } = await cloud.call('admin', version, 'GET /resource_providers')
    return ['openstack-api-version', 'cache-control', 'last-modified'].map(header)
  }
  expect(await headers(14)).toEqual(['placement 1.14', undefined, undefined])
  expect(await headers(15)).toEqual(['placement 1.15', 'no-cache', 'Fri, 02 Jan 2026 03:04:05 GMT'])
  expect(
    (await cloud.call('admin', 0, 'GET /', undefined, { 'openstack-api-version': 'compute 2.1, placement latest' })).header(
      'openstack-api-version',
    ),
  ).toBe('placement 1.39')
})
