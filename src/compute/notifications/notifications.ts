/**
 * Notifications of the compute API: what it did, told in Nova's two forms, as [notifications] notification_format says. The older form is a bag of values
 * for each event; the newer one is a versioned object.
 */
import { boolean, choice, group, list, type Settings } from '../../oslo/config/options.ts'
import type { RequestContext } from '../../oslo/context.ts'
import { type Notifier, type NotifierParts, openNotifier, type Priority } from '../../oslo/messaging/notifier.ts'
import { ownHost } from '../settings.ts'
import { type Payload, payloadToWire } from './payload.ts'

export const notificationsOptions = group('notifications', {
  notifyOnStateChange: choice('notify_on_state_change', ['vm_state', 'vm_and_task_state'], null, {
    help: 'Tell when the state of a server changes, or its task as well; never when unset.',
    deprecated: ['DEFAULT/notify_on_state_change'],
  }),
  notificationFormat: choice('notification_format', ['both', 'versioned', 'unversioned'], 'unversioned', {
    help: 'Which of the two forms notifications have.',
    deprecated: ['DEFAULT/notification_format'],
  }),
  versionedNotificationsTopics: list('versioned_notifications_topics', ['versioned_notifications'], {
    help: 'Topics of those in the newer form.',
  }),
  bdmsInNotifications: boolean('bdms_in_notifications', false, { help: 'Versioned notifications of servers tell of their volumes.' }),
  includeShareMapping: boolean('include_share_mapping', false, { help: 'Versioned notifications of servers tell of their shares.' }),
})
export type NotificationsSettings = Settings<typeof notificationsOptions>

/** One in the older form. */
export interface Unversioned {
  /** The first half of the publisher's name: `compute`, `api`, `aggregate`. */
  readonly service: string
  /** The second half; this host when absent. */
  readonly host?: string
  readonly event: string
  readonly payload: object
  readonly priority?: Priority
}

export interface Versioned {
  /** `instance` of `instance.delete.start` */
  readonly object: string
  readonly action: string
  readonly phase?: 'start' | 'end' | 'error'
  readonly payload: Payload
  /** Whose it is, when it is not the API's own: a service that was changed. */
  readonly publisher?: { readonly host: string; readonly source: string }
  readonly priority?: Priority
}

export interface Notifications {
  readonly settings: NotificationsSettings
  /** Whether anybody is told anything. */
  readonly enabled: boolean
  /** This host's name. */
  readonly host: string
  /** The payload is only made when somebody wants it. Both return at once, or when the payload is made; what goes wrong is told to the log alone. */
  unversioned(context: RequestContext, make: () => Unversioned | Promise<Unversioned>): Promise<void>
  versioned(context: RequestContext, make: () => Versioned | Promise<Versioned>): Promise<void>
  close(): Promise<void>
}

export interface NotificationsParts extends Omit<NotifierParts, 'settings'> {
  readonly settings: NotificationsSettings
  readonly notifier: NotifierParts['settings']
  /** [DEFAULT] host */
  readonly host: string | null
}

/** Throws a `ConfigError` for drivers that are not there. nova/rpc.py init */
export function openNotifications({ settings, notifier, host, ...parts }: NotificationsParts): Notifications {
  const here = ownHost({ host })
  const { notificationFormat: form, versionedNotificationsTopics: topics } = settings
  const older = form === 'versioned' ? undefined : openNotifier({ ...parts, settings: notifier })
  const newer = form === 'unversioned' ? undefined : openNotifier({ ...parts, settings: { ...notifier, topics } })
  const complain = parts.log('nova.notifications')

  async function made<T>(to: Notifier | undefined, make: () => T | Promise<T>, send: (to: Notifier, one: T) => void): Promise<void> {
    if (!to?.enabled) return
    try {
      send(to, await make())
    } catch (error) {
      complain.error('A notification could not be made', { error } as never)
    }
  }

  return {
    settings,
    enabled: Boolean(older?.enabled || newer?.enabled),
    host: here,
    unversioned: (context, make) =>
      made(older, make, (to, { service, host: of = here, event, payload, priority = 'info' }) =>
        to.notify(context, { publisher: `${service}.${of}`, event, priority, payload }),
      ),
    versioned: (context, make) =>
      made(newer, make, (to, { object, action, phase, payload, publisher, priority = 'info' }) => {
        const { host: of, source } = publisher ?? { host: here, source: 'nova-api' }
        const event = [object, action, ...(phase ? [phase] : [])].join('.')
        to.notify(context, { publisher: `${source}:${of}`, event, priority, payload: payloadToWire(payload) })
      }),
    async close() {
      await Promise.all([older?.close(), newer?.close()])
    },
  }
}

/** For who tells nobody. */
export const silentNotifications: Notifications = {
  settings: {
    notifyOnStateChange: null,
    notificationFormat: 'unversioned',
    versionedNotificationsTopics: [],
    bdmsInNotifications: false,
    includeShareMapping: false,
  },
  enabled: false,
  host: '',
  unversioned: async () => {},
  versioned: async () => {},
  close: async () => {},
}
