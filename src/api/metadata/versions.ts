/** The versions of the two trees, by date, and what guests of an OpenStack version are told. */

const ec2Versions = [
  '1.0',
  '2007-01-19',
  '2007-03-01',
  '2007-08-29',
  '2007-10-10',
  '2007-12-15',
  '2008-02-01',
  '2008-09-01',
  '2009-04-04',
] as const
export type Ec2Version = (typeof ec2Versions)[number]

const openstackVersions = [
  '2012-08-10', // Folsom
  '2013-04-04', // Grizzly: random_seed, password
  '2013-10-17', // Havana: vendor_data.json
  '2015-10-15', // Liberty: project_id, network_data.json
  '2016-06-30', // Newton: devices
  '2016-10-06', // Newton: vendor_data2.json
  '2017-02-22', // Ocata: VLANs of devices
  '2018-08-27', // Rocky: trusted virtual functions
  '2020-10-14', // Victoria: dedicated_cpus
  '2025-04-04', // Epoxy: shares
] as const
export type OpenstackVersion = (typeof openstackVersions)[number]

/** The version that a path names; the last one for `latest`, undefined for none. */
export const ec2Version = (name: string | undefined): Ec2Version | undefined => named(ec2Versions, name)
export const openstackVersion = (name: string | undefined): OpenstackVersion | undefined => named(openstackVersions, name)

const named = <V extends string>(versions: readonly V[], name: string | undefined): V | undefined =>
  name === 'latest' ? versions.at(-1) : versions.find((version) => version === name)

export const ec2Listing: readonly string[] = [...ec2Versions, 'latest']

/** Those that have come: later ones can be asked for but are not listed. */
export function openstackListing(now: number): string[] {
  const today = new Date(now).toISOString().slice(0, 10)
  return [...openstackVersions.filter((version) => version <= today), 'latest']
}
