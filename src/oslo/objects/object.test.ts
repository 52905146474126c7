import { describe, expect, expectTypeOf, test } from 'vitest'
import { boolean, datetime, integer, listOf, text } from './fields.ts'
import { changes, defineList, defineObject, loaded, type ObjectValue, object, oneOf } from './object.ts'

const Wheel = defineObject('Wheel', '1.2', { size: integer, maker: text.orNull() })
const WheelList = defineList('WheelList', '1.0', Wheel)
const Motor = defineObject('Motor', '1.0', { power: integer })
const Sail = defineObject('Sail', '1.1', { area: integer })
const Car = defineObject('Car', '2.8', {
  name: text,
  built_at: datetime.orNull(),
  locked: boolean.initially(false),
  spare: object(Wheel).orNull(),
  wheels: object(WheelList),
  loose: listOf(object(Wheel)),
  drive: oneOf('Drive', { Motor, Sail }),
})
type Car = ObjectValue<typeof Car>

const wire = (name: string, version: string, data: object, changed?: string[]) => ({
  'nova_object.name': name,
  'nova_object.namespace': 'nova',
  'nova_object.version': version,
  'nova_object.data': data,
  ...(changed ? { 'nova_object.changes': changed } : {}),
})

describe('wire form, both ways', () => {
  const rows: [what: string, value: Car, wire: object][] = [
    ['nothing loaded', {}, wire('Car', '2.8', {})],
    ['absent is not null', { name: 'a', built_at: null }, wire('Car', '2.8', { name: 'a', built_at: null })],
    ['changes', { name: 'a', locked: true, [changes]: ['locked'] }, wire('Car', '2.8', { name: 'a', locked: true }, ['locked'])],
    ['an object within', { spare: { size: 3 } }, wire('Car', '2.8', { spare: wire('Wheel', '1.2', { size: 3 }) })],
    ['no object within', { spare: null }, wire('Car', '2.8', { spare: null })],
    ['one of several', { drive: { kind: 'Sail', area: 12 } }, wire('Car', '2.8', { drive: wire('Sail', '1.1', { area: 12 }) })],
    [
      'a list within',
      { wheels: { objects: [{ size: 1 }, { size: 2, maker: null }] } },
      wire('Car', '2.8', {
        wheels: wire('WheelList', '1.0', { objects: [wire('Wheel', '1.2', { size: 1 }), wire('Wheel', '1.2', { size: 2, maker: null })] }),
      }),
    ],
  ]
  for (const [what, value, wired] of rows)
    test(what, () => {
      expect(Car.toWire(value)).toEqual(wired)
      expect(Car.fromWire(wired)).toEqual(value)
    })

  test('the order of fields and of changes is that of the definition', () => {
    const wired = Car.toWire({ locked: true, name: 'a', [changes]: ['locked', 'name'] })
    expect(JSON.stringify(wired['nova_object.data'])).toBe('{"name":"a","locked":true}')
    expect(wired['nova_object.changes']).toEqual(['name', 'locked'])
  })

  test('values are brought into form', () => {
    const wired = Car.toWire({ built_at: '2026-01-02 03:04:05.678' })
    expect(wired['nova_object.data']).toEqual({ built_at: '2026-01-02T03:04:05Z' })
  })

  test('null where there is a default instead is the default', () => {
    expect(Car.fromWire(wire('Car', '2.8', { locked: null }))).toEqual({ locked: false })
  })

  test('unknown fields and changes of them are dropped', () => {
    expect(Car.fromWire(wire('Car', '2.7', { name: 'a', gone: 1 }, ['name', 'gone']))).toEqual({ name: 'a', [changes]: ['name'] })
  })
})

describe('changes', () => {
  const wheel = Wheel.make({ size: 1 })
  const rows: [what: string, value: Car, changed: string[]][] = [
    ['of what was made', Car.make({ name: 'a', built_at: null }), ['name', 'built_at']],
    ['of what was read', Car.fromWire(wire('Car', '2.8', { name: 'a' })), []],
    ['of what was changed', Car.change(Car.fromWire(wire('Car', '2.8', { name: 'a', locked: true })), { locked: false }), ['locked']],
    ['of a copy', { ...Car.make({ name: 'a' }) }, ['name']],
    ['of defaults', Car.withDefaults({ name: 'a' }), ['locked']],
    ['of defaults that are set already', Car.withDefaults({ locked: true }), []],
    ['of an object within', { spare: wheel }, ['spare']],
    ['of none within', { spare: null }, []],
    ['of a list within', { wheels: { objects: [{ size: 2 }, wheel] } }, ['wheels']],
    ['of a plain list of objects: not counted', { loose: [wheel] }, []],
    ['of one of several', { drive: { kind: 'Motor', ...Motor.make({ power: 1 }) } }, ['drive']],
    ['taken back', Car.unchanged(Car.make({ name: 'a', spare: { size: 1 } })), []],
    ['taken back, but not within', Car.unchanged(Car.make({ name: 'a', spare: wheel })), ['spare']],
    ['of a field that is not there any more', { [changes]: ['name'] }, []],
  ]
  for (const [what, value, changed] of rows)
    test(what, () => {
      expect(Car.changesOf(value)).toEqual(changed)
      expect(Car.toWire(value)['nova_object.changes'] ?? []).toEqual(changed)
    })

  test('survive the wire at every depth', () => {
    const wired = wire('Car', '2.8', { name: 'a', spare: wire('Wheel', '1.2', { size: 1 }, ['size']) }, ['spare'])
    expect(Car.toWire(Car.fromWire(wired))).toEqual(wired)
  })

  test('can be told', () => {
    const value = Car.make({ name: 'a', locked: true })
    expect(Car.toWire(value, { changes: ['locked', 'spare'] })['nova_object.changes']).toEqual(['locked'])
    expect(Car.toWire(value, { changes: [] })).not.toHaveProperty(['nova_object.changes'])
  })

  test('leave the value as it was', () => {
    const value = Car.make({ name: 'a' })
    Car.change(value, { locked: true })
    Car.unchanged(value)
    expect(Car.changesOf(value)).toEqual(['name'])
    expect(value.locked).toBeUndefined()
  })

  test('of no field at all are refused', () => {
    expect(() => Car.make({ colour: 'red' } as Car)).toThrow('Car.colour: there is no such field')
  })
})

describe('what is not the object is refused', () => {
  const rows: [what: string, wire: unknown, name: string, message: RegExp][] = [
    ['null', null, 'UnexpectedObject', /a Car was expected, not null/],
    ['a text', 'x', 'UnexpectedObject', /a Car was expected, not "x"/],
    ['a plain record', { a: 1 }, 'UnexpectedObject', /a Car was expected, not an object/],
    ['another object', wire('Wheel', '1.2', {}), 'UnexpectedObject', /a Car was expected, not "Wheel"/],
    ['of another project', { ...wire('Car', '2.8', {}), 'nova_object.namespace': 'cinder' }, 'UnexpectedObject', /expected/],
    ['without data', { ...wire('Car', '2.8', {}), 'nova_object.data': null }, 'UnexpectedObject', /expected/],
    [
      'another object within',
      wire('Car', '2.8', { spare: wire('Motor', '1.0', {}) }),
      'UnexpectedObject',
      /Car\.spare: a Wheel was expected, not "Motor"/,
    ],
    [
      'none of several',
      wire('Car', '2.8', { drive: wire('Wheel', '1.2', {}) }),
      'UnexpectedObject',
      /Car\.drive: "Wheel" is none of Motor, Sail/,
    ],
    [
      'a wrong value',
      wire('Car', '2.8', { spare: wire('Wheel', '1.2', { size: 'x' }) }),
      'InvalidField',
      /^Car\.spare\.size: invalid literal/,
    ],
    ['null where it may not be', wire('Car', '2.8', { name: null }), 'InvalidField', /^Car\.name: Field `name' cannot be None/],
    ['a later minor version', wire('Car', '2.9', {}), 'IncompatibleObjectVersion', /Car version 2\.9 cannot be read, only up to 2\.8/],
    ['a later minor version with more digits', wire('Car', '2.10', {}), 'IncompatibleObjectVersion', /2\.10/],
    ['an earlier major version', wire('Car', '1.8', {}), 'IncompatibleObjectVersion', /1\.8/],
    ['a later major version', wire('Car', '3.0', {}), 'IncompatibleObjectVersion', /3\.0/],
    ['no version', wire('Car', 'latest', {}), 'IncompatibleObjectVersion', /latest/],
  ]
  for (const [what, wired, name, message] of rows)
    test(what, () => {
      expect(() => Car.fromWire(wired)).toThrow(expect.objectContaining({ name, message: expect.stringMatching(message) }))
    })

  for (const version of ['2.8', '2.7', '2.0', '2.8.1', '2.7.4'])
    test(`version ${version} is read`, () => expect(Car.fromWire(wire('Car', version, { name: 'a' }))).toEqual({ name: 'a' }))

  test('writing for older readers is not there yet', () => {
    expect(() => Car.toWire({}, { version: '2.7' })).toThrow('Car 2.8 cannot be written as version 2.7')
    expect(Car.toWire({}, { version: '2.8' })['nova_object.version']).toBe('2.8')
  })

  test('writing a wrong value', () => {
    expect(() => Car.toWire({ name: null as unknown as string })).toThrow(/^Car\.name: /)
    expect(() => Car.toWire({ drive: { kind: 'Oar' } as unknown as NonNullable<Car['drive']> })).toThrow(/none of Motor, Sail/)
  })
})

test('what is needed can be asked for', () => {
  const car: Car = { name: 'a', built_at: null }
  const known = loaded(car, 'name', 'built_at')
  expectTypeOf(known.name).toEqualTypeOf<string>()
  expectTypeOf(known.built_at).toEqualTypeOf<string | null>()
  expectTypeOf(car.name).toEqualTypeOf<string | undefined>()
  expect(known).toBe(car)
  expect(() => loaded(car, 'name', 'locked', 'spare')).toThrow('not loaded: locked, spare')
})
