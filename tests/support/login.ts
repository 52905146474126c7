/** A token for a password, as clients of a cloud get it from Keystone. */

export interface Login {
  readonly token: string
  readonly projectId: string
  readonly userId: string
  /** Where each type of service is for everybody. */
  readonly urls: Readonly<Record<string, string>>
}

export interface Credentials {
  /** Of the identity service, with its version: `http://127.0.0.1:5000/v3`. */
  readonly url: string
  readonly user?: string
  readonly password: string
  readonly project?: string
}

/** All in the domain `default`. Rejects with what Keystone says when there is no token. */
export async function login({ url, user = 'admin', password, project = 'admin' }: Credentials): Promise<Login> {
  const domain = { id: 'default' }
  const auth = {
    identity: { methods: ['password'], password: { user: { name: user, password, domain } } },
    scope: { project: { name: project, domain } },
  }
  const answer = await fetch(`${url}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth }),
  })
  if (answer.status !== 201) throw new Error(`no token: ${answer.status} ${await answer.text()}`)
  const { token } = (await answer.json()) as { token: Told }
  return {
    token: answer.headers.get('x-subject-token')!,
    projectId: token.project.id,
    userId: token.user.id,
    urls: Object.fromEntries(token.catalog.flatMap(({ type, endpoints }) => publicUrls(endpoints).map((found) => [type, found]))),
  }
}

interface Endpoint {
  readonly interface: string
  readonly url: string
}

const publicUrls = (endpoints: readonly Endpoint[]): string[] =>
  endpoints.filter((endpoint) => endpoint.interface === 'public').map(({ url }) => url)

interface Told {
  readonly project: { readonly id: string }
  readonly user: { readonly id: string }
  readonly catalog: readonly { type: string; endpoints: readonly Endpoint[] }[]
}

/** With the variables of an openrc. */
export const loginWith = (env: Readonly<Record<string, string | undefined>>): Promise<Login> =>
  login({ url: env.OS_AUTH_URL!, user: env.OS_USERNAME!, password: env.OS_PASSWORD!, project: env.OS_PROJECT_NAME! })
