import { expect, test } from 'vitest'
import {
  canonicalIp,
  canonicalMac,
  cidrsOf,
  eui64,
  formatCidr,
  formatNetwork,
  merge,
  overlap,
  parseCidr,
  parseIp,
  subtract,
} from './addresses.ts'

const canonical: [text: string, form: string][] = [
  ['10.0.0.1', '10.0.0.1'],
  ['FD00:0:0:0::1', 'fd00::1'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['::ffff:10.0.0.1', '::ffff:a00:1'],
]
for (const [text, form] of canonical) test(`${text} is written ${form}`, () => expect(canonicalIp(text)).toBe(form))

for (const text of ['', '10.0.0', '10.0.0.256', '10.0.0.01', 'fe80::1%eth0', ':::', '10.0.0.1/24', null, 5])
  test(`${text} is no address`, () => expect(parseIp(text)).toBeUndefined())

const cidrs: [text: string, kept: string, network: string][] = [
  ['10.1.2.3/24', '10.1.2.3/24', '10.1.2.0/24'],
  ['10.1.2.3', '10.1.2.3/32', '10.1.2.3/32'],
  ['10.1.2.3/255.255.0.0', '10.1.2.3/16', '10.1.0.0/16'],
  ['fd00::5/64', 'fd00::5/64', 'fd00::/64'],
  ['0.0.0.0/0', '0.0.0.0/0', '0.0.0.0/0'],
]
for (const [text, kept, network] of cidrs)
  test(`${text} is in ${network}`, () => {
    const cidr = parseCidr(text)!
    expect([formatCidr(cidr), formatNetwork(cidr)]).toEqual([kept, network])
  })

for (const text of ['10.0.0.0/33', 'fd00::/129', '10.0.0.0/255.0.255.0', '10.0.0.0/8/8', 'x/24', '10.0.0.0/'])
  test(`${text} is no network`, () => expect(parseCidr(text)).toBeUndefined())

test('ranges are joined, cut and written as networks again', () => {
  const joined = merge([parseCidr('10.0.1.0/24')!, parseCidr('10.0.0.0/24')!])
  expect(joined.flatMap(cidrsOf).map(formatNetwork)).toEqual(['10.0.0.0/23'])
  const cut = subtract(joined, [parseCidr('10.0.0.64/26')!])
  expect(cut.flatMap(cidrsOf).map(formatNetwork)).toEqual(['10.0.0.0/26', '10.0.0.128/25', '10.0.1.0/24'])
  expect(subtract([parseCidr('10.0.0.0/24')!], [parseCidr('10.0.0.0/16')!])).toEqual([])
})

test('networks overlap when they share an address, and only within a family', () => {
  const of = (text: string) => parseCidr(text)!
  expect(overlap(of('10.0.0.0/24'), of('10.0.0.255/32'))).toBe(true)
  expect(overlap(of('10.0.0.0/24'), of('10.0.1.0/24'))).toBe(false)
  expect(overlap(of('0.0.0.0/0'), of('::/0'))).toBe(false)
})

test('a hardware address is read in its common forms and makes an IPv6 address', () => {
  for (const text of ['fa:16:3e:0:1:2', 'FA-16-3E-00-01-02', 'fa16.3e00.0102', 'fa163e000102'])
    expect(canonicalMac(text)).toBe('fa:16:3e:00:01:02')
  for (const text of ['fa:16:3e:00:01', 'fa:16-3e:00:01:02', 'fa:16:3e:00:01:0g', null]) expect(canonicalMac(text)).toBeUndefined()
  expect(eui64(parseCidr('fd00::/64')!, 'fa:16:3e:11:22:33')).toBe('fd00::f816:3eff:fe11:2233')
})
