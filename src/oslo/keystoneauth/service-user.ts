/** [service_user]: whose token goes along with the callers' tokens that we pass on, so that a long task outlives the caller's token. */
import { boolean, group, type Settings } from '../config/options.ts'
import type { Log } from '../log.ts'
import type { Auth } from './auth.ts'
import { type AuthParts, loadAuth } from './identity.ts'
import { authOptions, sessionOptions } from './options.ts'

export const serviceUserOptions = group('service_user', {
  ...sessionOptions,
  ...authOptions,
  sendServiceUserToken: boolean('send_service_user_token', false, {
    help: 'Send a token of our own with every request that carries the token of a caller.',
  }),
})

type ServiceUserSettings = Settings<typeof serviceUserOptions>

/**
 * The `service` for `userAuth`, or null when none is wanted or nothing says who it is. Throws a `ConfigError` as `loadAuth` does.
 * nova/service_auth.py get_service_user_token_auth_plugin
 */
export function loadServiceUser(
  settings: ServiceUserSettings,
  { log, ...parts }: Omit<AuthParts, 'group'> & { readonly log: Pick<Log, 'warning'> },
): Auth | null {
  if (!settings.sendServiceUserToken) return null
  const service = loadAuth(settings, { ...parts, group: 'service_user' })
  if (!service) log.warning('send_service_user_token has no effect: [service_user] does not say how to authenticate, auth_type is not set.')
  return service
}
