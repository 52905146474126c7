/** A volume service in memory with callers to speak to it, an image or two and servers that remember what they were told, for the tests beside the code. */
import { type Answer, ask } from '../ask.ts'
import { person } from '../fixture.ts'
import { openShelf, type Shelf } from '../shelf.ts'
import { badRequest, notFound } from './faults.ts'
import type { Image, Images } from './images.ts'
import { type Compute, volume } from './index.ts'

/** Their names are their tokens. */
const people = {
  admin: person('admin', 'adm', ['admin', 'member', 'reader']),
  nova: person('nova', 'svc', ['service']),
  ann: person('ann', 'one', ['member', 'reader']),
  bob: person('bob', 'two', ['member', 'reader']),
}
export type Person = keyof typeof people

/** A UUID that tells its number. */
export const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

const gibibyte = 2 ** 30
const image = (number: number, more: Partial<Image> = {}): Image => ({
  id: id(number),
  name: `image ${number}`,
  status: 'active',
  size: gibibyte,
  virtual_size: null,
  min_disk: 0,
  min_ram: 0,
  checksum: 'abc',
  disk_format: 'raw',
  container_format: 'bare',
  visibility: 'public',
  protected: false,
  ...more,
})

/** 71: one that fits everywhere; 72: one of 3 GiB; 73: one without bytes. */
const shelved = [image(71, { hw_disk_bus: 'virtio' }), image(72, { size: 3 * gibibyte }), image(73, { status: 'queued', size: null })]

export type TestVolumes = ReturnType<typeof testVolumes>

/** Ids count up; the clock goes a second with each request. */
export function testVolumes({ shelf = openShelf(':memory:') }: { shelf?: Shelf } = {}) {
  let last = 0
  const clock = { time: Date.parse('2026-01-02T03:04:05Z'), now: () => clock.time }
  const errors: unknown[] = []
  /** What was asked of servers, as one line each. */
  const told: string[] = []
  /** By server and volume: the attachment that the server knows. */
  const held = new Map<string, string>()
  const made: Image[] = []
  const images: Images = {
    async show(_, wanted) {
      const found = [...shelved, ...made].find((one) => one.id === wanted)
      if (!found) throw notFound(`Image ${wanted} could not be found.`)
      return found
    },
    async find(token, wanted) {
      if (!shelved.some((one) => one.id === wanted)) throw badRequest('Invalid image identifier or unable to access requested image.')
      return images.show(token, wanted)
    },
    async create(_, values) {
      const added = image(80 + made.length, { ...values, status: 'queued' })
      made.push(added)
      return added
    },
    async upload(_, wanted) {
      told.push(`bytes of ${wanted}`)
    },
  }
  const compute: Compute = {
    async tell(event, servers, volumeId) {
      told.push(`${event} ${servers.join(',')} ${volumeId}`)
    },
    async swap(server, from, to) {
      told.push(`swap ${server} ${from} ${to}`)
    },
    attachmentOf: async (_, server, volumeId) => held.get(`${server} ${volumeId}`),
  }
  const service = volume({
    shelf,
    authenticate: (token) => people[token as Person] ?? null,
    clock,
    ids: { uuid: () => id(900_000 + ++last) },
    report: (error) => void errors.push(error),
    images,
    compute,
  })
  service.seed()

  /** `version` is a microversion without its first number. */
  const call = async (
    who: Person | undefined,
    version: number,
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    clock.time += 1000
    const answer = await ask(service.application, route.replace(' ', ' /v3'), {
      token: who,
      body,
      host: 'cloud:8776',
      headers: { 'openstack-api-version': `volume 3.${version}`, ...headers },
    })
    if (errors.length > 0) throw errors.pop()
    return answer
  }
  /** What ann, or somebody else, is told by the newest version, which must have succeeded. */
  const make = async (route: string, body?: unknown, who: Person = 'ann'): Promise<Answer['body']> => {
    const answer = await call(who, 71, route, body)
    if (answer.status > 299) throw new Error(`${route} → ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  /** As Nova asks for somebody: with a token of its own beside. */
  const asService = (who: Person, version: number, route: string, body?: unknown) =>
    call(who, version, route, body, { 'x-service-token': 'nova' })
  const show = async (volumeId: string) => (await make(`GET /volumes/${volumeId}`, undefined, 'admin')).volume
  /** The id of a new volume of ann's. */
  const disk = async (values: object = {}): Promise<string> => (await make('POST /volumes', { volume: { size: 1, ...values } })).volume.id
  const act = (volumeId: string, action: string, args: unknown = {}, who: Person = 'ann', version = 71) =>
    call(who, version, `POST /volumes/${volumeId}/action`, { [action]: args })
  /** Connects a volume to a server as Nova does; the id of the attachment. */
  const attach = async (volumeId: string, server: string): Promise<string> => {
    const { attachment } = await make('POST /attachments', {
      attachment: { volume_uuid: volumeId, instance_uuid: server, connector: null },
    })
    await make(`PUT /attachments/${attachment.id}`, { attachment: { connector: { host: 'h1', mountpoint: '/dev/sdb' } } })
    await make(`POST /attachments/${attachment.id}/action`, { 'os-complete': null })
    held.set(`${server} ${volumeId}`, attachment.id)
    return attachment.id
  }
  return { call, make, asService, show, disk, act, attach, told, held, errors }
}
