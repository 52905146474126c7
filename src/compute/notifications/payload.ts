/** Payloads of versioned notifications: objects with a name and a version, which travel as Nova's versioned objects do. */

/** A field may hold a payload or a list of them. */
export interface Payload {
  readonly name: string
  readonly version: string
  readonly fields: Readonly<Record<string, unknown>>
}

export const payload = (name: string, version: string, fields: Payload['fields']): Payload => ({ name, version, fields })

const isPayload = (value: unknown): value is Payload =>
  typeof value === 'object' && value !== null && 'fields' in value && 'version' in value

export const payloadToWire = ({ name, version, fields }: Payload): Record<string, unknown> => ({
  'nova_object.name': name,
  'nova_object.namespace': 'nova',
  'nova_object.version': version,
  'nova_object.data': Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, wire(value)])),
})

const wire = (value: unknown): unknown => (isPayload(value) ? payloadToWire(value) : Array.isArray(value) ? value.map(wire) : value)

/** A time as the databases hold it, in the form of versioned objects: `2026-01-02T03:04:05Z`. */
export const time = (stored: string | null | undefined): string | null =>
  stored ? `${stored.slice(0, 10)}T${stored.slice(11, 19)}Z` : null
