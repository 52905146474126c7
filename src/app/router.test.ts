import { expect, test } from 'vitest'
import { decodePath, router } from './router.ts'

const { match, methods } = router({
  'GET /': 'root',
  'GET /servers': 'index',
  'POST /servers': 'create',
  'GET /servers/detail': 'detail',
  'GET /servers/:id': 'show',
  'DELETE /servers/:id': 'delete',
  'GET /servers/:server_id/tags/:id': 'tag',
})

const rows: [string, string, string | undefined, Record<string, string>?][] = [
  ['GET', '/', 'root'],
  ['GET', '/servers', 'index'],
  ['GET', '/servers/', 'index'],
  ['GET', '/servers//', undefined],
  ['GET', '/servers/detail', 'detail'],
  ['GET', '/servers/x', 'show', { id: 'x' }],
  ['DELETE', '/servers/detail', 'delete', { id: 'detail' }],
  ['GET', '/servers/x/tags/a b', 'tag', { server_id: 'x', id: 'a b' }],
  ['GET', '/servers/x/tags', undefined],
  ['PATCH', '/servers', undefined],
]
for (const [method, path, value, params = {}] of rows)
  test(`${method} ${path} → ${value}`, () => {
    expect(match(method, path)?.value).toBe(value)
    if (value) expect(match(method, path)?.params).toEqual(params)
  })

test('the methods of a path', () => {
  expect(methods('/servers')).toEqual(['GET', 'POST'])
  expect(methods('/servers/detail')).toEqual(['DELETE', 'GET'])
  expect(methods('/nowhere')).toEqual([])
})

test('bytes that are no UTF-8 do not throw', () => {
  expect(decodePath('/a%20b/%C3%A9')).toBe('/a b/é')
  expect(decodePath('/%ff%41%zz')).toBe('/\ufffdA%zz')
})

test('without slashes at the end', () => {
  const strict = router({ 'GET /': 'root', 'GET /servers': 'index', 'GET /servers/:id': 'show' }, { slash: false })
  expect(['/', '/servers', '/servers/', '/servers/x', '/servers/x/'].map((path) => strict.match('GET', path)?.value)).toEqual([
    'root',
    'index',
    undefined,
    'show',
    undefined,
  ])
})
