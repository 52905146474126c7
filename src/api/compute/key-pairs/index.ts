/** Key pairs: /os-keypairs. */
import * as compute from '../../../compute/key-pairs.ts'
import type { KeyPair } from '../../../stores/api/key-pairs.ts'
import { pageOf } from '../../serve/paging.ts'
import { fields, view } from '../../spec/fields.ts'
import { type Call, many, nothing, one, op, resource } from '../../spec/operation.ts'
import * as p from '../../spec/parameters.ts'
import { type Of, object, query, many as several, words } from '../../spec/shape.ts'

const bodyWith = <const R extends 'name' | 'public_key'>(...required: R[]) =>
  object(
    {
      keypair: object(
        {
          name: [p.nameWithSpaces.until('2.0'), p.keypairName.since('2.1').until('2.91'), p.keypairNameWithDots.since('2.92')],
          type: words(['ssh', 'x509']).since('2.2'),
          public_key: p.text,
          user_id: p.text.since('2.10'),
        },
        { required },
      ),
    },
    { required: ['keypair'] },
  )
const createBody = [bodyWith('name').until('2.91'), bodyWith('name', 'public_key').since('2.92')]

const ofUser = { user_id: p.anyTexts.since('2.10') }
const userQuery = query(ofUser, { others: { until: '2.74' } })
const listQuery = query(
  { ...ofUser, limit: several(p.nonNegativeInteger).since('2.35'), marker: p.anyTexts.since('2.35') },
  { others: { until: '2.74' } },
)

const f = fields<KeyPair & { readonly privateKey?: string }>()
const type = f.text((r) => r.type).since('2.2')
const brief = view({
  name: f.text((r: KeyPair) => r.name),
  public_key: f.text((r) => r.publicKey),
  fingerprint: f.text((r) => r.fingerprint),
  type,
})
const created = brief.extend({
  private_key: f.text((r) => r.privateKey),
  user_id: f.text((r) => r.userId),
})
const full = brief.extend({
  user_id: f.text((r) => r.userId),
  created_at: f.localTime((r) => r.createdAt),
  deleted: f.boolean(() => false),
  deleted_at: f.any(() => null),
  id: f.integer((r) => r.id),
  updated_at: f.any(() => null),
})

export const keyPairs = resource({
  'GET /os-keypairs': op({
    query: listQuery,
    errors: { '2.1': [], '2.35': [400] },
    reply: many('keypairs', brief, {
      each: 'keypair',
      next: { collection: 'os-keypairs', since: '2.35', marker: ({ name }) => name },
    }),
    run: list,
  }),
  'POST /os-keypairs': op({
    body: createBody,
    status: { '2.1': 200, '2.2': 201 },
    errors: [400, 403, 409],
    reply: one('keypair', created),
    run: create,
  }),
  'GET /os-keypairs/:id': op({
    query: userQuery,
    errors: [404],
    reply: one('keypair', full),
    run: (call) => compute.findKeyPair(call.backends, userFor(call, 'show'), call.params.id!),
  }),
  'DELETE /os-keypairs/:id': op({
    query: userQuery,
    status: { '2.1': 202, '2.2': 204 },
    errors: [404],
    reply: nothing,
    run: (call) => compute.deleteKeyPair(call.backends, call.context, userFor(call, 'delete'), call.params.id!),
  }),
})

type Action = 'index' | 'create' | 'show' | 'delete'

/** Whose key pairs are meant: the caller's unless a query says another's, which the rule must allow. */
const userFor = (call: Call & { query: Of<typeof userQuery> }, action: Action): string => allowed(call, action, call.query.user_id?.[0])

/** Key pairs belong to users: the rules look at the user alone. */
function allowed({ context, authorize }: Call, action: Action, asked: string | undefined): string {
  const userId = asked || context.userId!
  authorize(`os_compute_api:os-keypairs:${action}`, { user_id: userId })
  return userId
}

function list(call: Call & { query: Of<typeof listQuery> }) {
  const userId = userFor(call, 'index')
  const page = call.at('2.35') ? pageOf(call.query, call.backends.settings.api.maxLimit) : {}
  return compute.listKeyPairs(call.backends, userId, page)
}

function create(call: Call & { body: Of<typeof createBody> }) {
  const { name, type = 'ssh', public_key: publicKey, user_id } = call.body.keypair
  const userId = allowed(call, 'create', user_id)
  const wanted = { name: name.trim(), type }
  return publicKey === undefined
    ? compute.generateKeyPair(call.backends, call.context, userId, wanted)
    : compute.importKeyPair(call.backends, call.context, userId, wanted, publicKey)
}
