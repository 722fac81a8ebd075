import { Buffer, isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CutError, CutLimits } from '../../src/base/json-scanner.ts'
import { type Cut, cutEvents } from '../../src/publish/cut.ts'
import { parseWhole } from '../../src/publish/payload-parsing.ts'

function cut(body: string | Uint8Array, limits: CutLimits = {}): Cut {
  const result = cutEvents(typeof body === 'string' ? Buffer.from(body) : body, limits)
  if ('error' in result) throw new Error(result.error.detail)
  return result
}

function refuse(body: string | Uint8Array, limits: CutLimits = {}): CutError {
  const result = cutEvents(typeof body === 'string' ? Buffer.from(body) : body, limits)
  if (!('error' in result)) throw new Error(`accepted: ${body}`)
  return result.error
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('utf8')
const fields = ({ errors }: Cut) => errors.map(error => error.field)

describe('C5: the payload is cut from the bytes of the request', () => {
  test.each([
    '{"CoverId":"564200aa-7128-4a26-83a8-cf0201903fcc"}',
    '{"n":12345678901234567890,"f":1.0,"e":1E+400,"z":-0.0e-0}',
    '{ "a" :\t[ 1 ,\r\n 2 ] , "b":{ } }',
    '{"s":"\\u00e9\\/\\ud83d\\ude00\\ud800 é😀","__proto__":{"x":1}}',
    '"text"',
    'null',
    '-0',
    '[]',
  ])('%s', payload => {
    const expected = JSON.parse(payload)
    for (const body of [
      `{"type":"T","payload":${payload}}`,
      ` { "p\\u0061yload" :\n ${payload}\t, "type" : "T" , "key":"k" } `,
      `[{"type":"a","payload":0},{"payload": ${payload} ,"type":"T"}]`,
    ]) {
      const event = cut(body).events.at(-1)
      expect(text(event?.payload)).toBe(payload)
      expect(event?.value).toEqual(expected)
      expect(event?.type).toBe('T')
    }
  })

  test('as a view of the body, wherever it starts in its buffer', () => {
    const whole = Buffer.from('xxx{"type":"T","payload":[1]}yyy')
    const body = new Uint8Array(whole.buffer, whole.byteOffset + 3, whole.length - 6)
    const [event] = cut(body).events
    expect(event?.payload.buffer).toBe(body.buffer)
    expect(text(event?.payload)).toBe('[1]')
  })

  const spelled = fc.letrec(tie => {
    const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
    const string = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 3 }).map(one => JSON.stringify(one).slice(1, -1)),
        fc.stringMatching(/^\\u[0-9a-fA-F]{4}$/),
        fc.constantFrom('\\/', '\\"', '\\\\', '\\n', 'payload', '}', ']', ',', ':'),
      ),
      { maxLength: 4 },
    )
    const quoted = string.map(parts => `"${parts.join('')}"`)
    return {
      space,
      string: quoted,
      value: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        quoted,
        fc.constantFrom('true', 'false', 'null'),
        fc.stringMatching(/^-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?$/),
        fc
          .array(fc.tuple(space, tie('value'), space), { maxLength: 4 })
          .map(items => `[${items.map(item => item.join('')).join(',')}]`),
        fc
          .array(fc.tuple(space, quoted, space, tie('value'), space), { maxLength: 4 })
          .map(items => items.map(([a, key, b, value, c]) => [JSON.parse(key), `${a}${key}${b}:${value}${c}`]))
          .map(items => `{${[...new Map(items as [string, string][]).values()].join(',')}}`),
      ),
    }
  })
  const payloadText = spelled.value as fc.Arbitrary<string>
  const spaceText = spelled.space as fc.Arbitrary<string>

  test('also where JSON.parse takes a key for another one', () => {
    const payload = '{"a":{"\\\\":1},"b":{"\\n":2},"c":{"\\t":3,"\\u0041b":4}}'
    const [event] = cut(`{"type":"T","payload":${payload}}`).events
    expect(event!.value).toEqual({ a: { '\\': 1 }, b: { '\n': 2 }, c: { '\t': 3, Ab: 4 } })
    expect(parseWhole(event!.payload)).toEqual(event!.value)
  })

  test('regardless of spacing, escapes and notation of numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(payloadText, spaceText), { minLength: 1, maxLength: 4 }), payloads => {
        const elements = payloads.map(([payload, s]) => `${s}{${s}"type":"T",${s}"payload"${s}:${s}${payload}${s}}${s}`)
        const { events } = cut(`[${elements}]`)
        expect(events.map(event => text(event.payload))).toEqual(payloads.map(([payload]) => payload))
        expect(events.map(event => event.value)).toEqual(payloads.map(([payload]) => parseWhole(Buffer.from(payload))))
        expect(text(cut(elements[0]!).events[0]?.payload)).toBe(payloads[0]![0])
      }),
      { numRuns: 500 },
    )
  })

  test('random and mutated bytes never throw, and are accepted exactly if JSON.parse accepts them', () => {
    const edit = fc.tuple(fc.nat(), fc.nat({ max: 2 }), fc.nat({ max: 255 }))
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map(bytes => [...bytes]),
      fc.array(fc.constantFrom(...Buffer.from('{}[],:"\\u01-+.eEtrufalsn \n')), { maxLength: 12 }),
    )
    const edits = fc.oneof(fc.array(edit, { maxLength: 3 }), fc.constant([]))
    fc.assert(
      fc.property(payloadText, junk, edits, fc.boolean(), (payload, noise, changes, raw) => {
        const inside = changes.length === 0 ? Buffer.from(noise) : Buffer.from(payload)
        const around = [Buffer.from('{"type":"T","payload":'), inside, Buffer.from('}')]
        const bytes = raw ? [...inside] : [...Buffer.concat(around)]
        for (const [place, kind, byte] of changes) {
          const at = place % (bytes.length + 1)
          if (kind === 0) bytes[at] = byte
          else bytes.splice(at, kind === 1 ? 1 : 0, ...(kind === 1 ? [] : [byte]))
        }
        const body = Uint8Array.from(bytes)
        const result = cutEvents(body)
        const kind = 'error' in result ? result.error.kind : 'taken'
        expect(['bad_json', 'bad_utf8', 'bom'].includes(kind), kind).toBe(!isJson(body))
      }),
      { numRuns: 5000 },
    )
  })
})

function isJson(body: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(body).toString('utf8'))
    return isUtf8(body)
  } catch {
    return false
  }
}

describe('invalid JSON is refused with its position', () => {
  test.each([
    ['', 0, ''],
    [' \n', 2, ''],
    ['{"type":"T","payload":{"a":[1,2,x]}}', 32, '/payload/a/2'],
    ['[{"type":"T","payload":1},{"type":"T","payload":01}]', 49, '/1'],
    ['{"type":"T","payload":1.}', 24, '/payload'],
    ['{"type":"T","payload":"\t"}', 23, '/payload'],
    ['{"type":"T","payload":"\u001f"}', 23, '/payload'],
    ['{"type":"T","payload":"\\x"}', 24, '/payload'],
    ['{"type":"T","payload":"\\u12g4"}', 27, '/payload'],
    ['{"type":"T","payload":tru}', 25, '/payload'],
    ['{"type":"T","payload":1,}', 24, ''],
    ['{"type":"T","a/~":{"b" 1}}', 23, '/a~1~0'],
    ["{'type':1}", 1, ''],
    ['{"type":"T","payload":1}x', 24, ''],
    ['{"type":"T","payload":"', 23, '/payload'],
    ['{"type":NaN}', 8, '/type'],
  ])('%s', (body, offset, pointer) => {
    const error = refuse(body)
    expect(error).toMatchObject({ kind: 'bad_json', offset, pointer })
    expect(error.detail).toContain(`at byte ${offset}`)
  })

  test('bytes that are not UTF-8', () => {
    const body = Buffer.from('{"type":"é\ufffd","payload":"?"}')
    body[body.indexOf('?')] = 0xff
    expect(refuse(body)).toMatchObject({ kind: 'bad_utf8', offset: body.indexOf(0xff) })
    expect(refuse(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toMatchObject({ kind: 'bad_utf8', offset: 1 })
    expect(refuse(Uint8Array.of(0x22, 0xc0, 0x80, 0x22))).toMatchObject({ kind: 'bad_utf8', offset: 1 })
  })

  test('a byte order mark', () => {
    expect(refuse('\ufeff{"type":"T","payload":1}')).toEqual({
      kind: 'bom',
      detail: 'The body begins with a byte order mark (the bytes EF BB BF). Remove it: JSON is UTF-8 without one.',
      offset: 0,
      pointer: '',
    })
    const inUtf16 = Buffer.from('\ufeff{"type":"T","payload":1}', 'utf16le')
    for (const body of [inUtf16, Buffer.from(inUtf16).swap16()]) {
      expect(refuse(body)).toMatchObject({ kind: 'bom', detail: expect.stringContaining('Encode it as UTF-8') })
    }
  })
})

describe('C5: a duplicate key is refused, so that exactly what was validated is sent', () => {
  test.each([
    ['{"type":"T","payload":1,"payload":2}', 24, ''],
    ['{"type":"T","payload":{"a":1,"\\u0061":2}}', 29, '/payload'],
    ['[{"type":"T","payload":{"a":[{"":1,"b":2,"":3}]}}]', 41, '/0/payload/a/0'],
    ['{"type":"T","payload":{"__proto__":1,"__proto__":2}}', 37, '/payload'],
    ['{"type":"T","payload":{"1":1,"2":2,"1":2}}', 35, '/payload'],
    ['{"type":"T","payload":{"é":1,"\\u00e9":2}}', 30, '/payload'],
  ])('%s', (body, offset, pointer) => {
    expect(refuse(body)).toMatchObject({ kind: 'duplicate_key', offset, pointer })
  })

  test('the same key in different objects is not a duplicate, and neither are different lone surrogates', () => {
    const payload = '{"a":{"a":[{"a":1},{"a":1}]},"A":1,"\\ud800":1,"\\ud801":1,"\\ufffd":1}'
    expect(text(cut(`{"type":"T","payload":${payload}}`).events[0]?.payload)).toBe(payload)
  })

  test('__proto__ changes no prototype', () => {
    const { events } = cut('{"type":"T","payload":{"__proto__":{"polluted":true}}}')
    expect(Object.getPrototypeOf(events[0]?.value)).toBe(Object.prototype)
    expect(cut('{"__proto__":{"type":"T"},"payload":1}').errors.map(({ field }) => field)).toEqual([
      '/type',
      '/__proto__',
    ])
  })
})

describe('limits', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

  test('depth is counted from the payload, in a single event and in an array', () => {
    for (const wrap of [(event: string) => event, (event: string) => `[${event}]`]) {
      expect(cut(wrap(`{"type":"T","payload":${nested(64)}}`)).events).toHaveLength(1)
      const body = wrap(`{"type":"T","payload":${nested(65)}}`)
      expect(refuse(body)).toMatchObject({ kind: 'too_deep', offset: body.indexOf('[[[') + 64 })
    }
    expect(refuse('['.repeat(1_000_000))).toMatchObject({ kind: 'too_deep' })
    expect(refuse('{"a":'.repeat(200_000))).toMatchObject({ kind: 'too_deep' })
    expect(refuse('{"type":"T","payload":[[]]}', { maxDepth: 1 }).detail).toContain('at most 1 ')
  })

  test('events in an array', () => {
    const event = '{"type":"T","payload":1}'
    expect(cut(`[${Array(1000).fill(event)}]`).events).toHaveLength(1000)
    expect(refuse(`[${Array(1001).fill(event)}]`)).toMatchObject({ kind: 'too_many_events' })
    expect(cut(`{"type":"T","payload":[${Array(2000).fill(1)}]}`, { maxBatch: 1 }).events).toHaveLength(1)
    expect(cut('[]')).toEqual({ batch: true, events: [], errors: [] })
  })

  test('bytes of a payload', () => {
    expect(cut('{"type":"T","payload":"é"}', { maxPayloadBytes: 4 }).events).toHaveLength(1)
    const error = refuse('[{"type":"T","payload":"éé"}]', { maxPayloadBytes: 4 })
    expect(error).toMatchObject({ kind: 'payload_too_large', pointer: '/0/payload' })
  })
})

describe('the members of an event', () => {
  test.each(['1', '"x"', 'null', 'true'])('%s is not an event', body => {
    expect(refuse(body)).toMatchObject({ kind: 'wrong_shape', pointer: '' })
    expect(fields(cut(`[${body}]`))).toEqual(['/0'])
  })

  test("a nested member called payload is not the event's payload", () => {
    expect(fields(cut('{"type":"T","x":{"payload":1}}'))).toEqual(['/payload', '/x'])
    expect(fields(cut('[{"type":"T","x":[{"payload":1}]}]'))).toEqual(['/0/payload', '/0/x'])
  })

  test('every invalid element is reported, and the valid ones are returned too', () => {
    const result = cut(
      '[{"type":"T","payload":1,"key":"a b"},{"payload":1},{"type":"","payload":1},{"type":"T"},[{"payload":1}],' +
        '{"type":"T","payload":1,"key":"é"},{"type":"T","payload":null,"colour":1,"a/b":2},{"type":5,"key":7}]',
    )
    expect(result.events.map(({ index, key }) => [index, key])).toEqual([[0, 'a b']])
    expect(fields(result)).toEqual([
      '/1/type',
      '/2/type',
      '/3/payload',
      '/4',
      '/5/key',
      '/6/colour',
      '/6/a~1b',
      '/7/type',
      '/7/payload',
      '/7/key',
    ])
    expect(result.errors.find(({ field }) => field === '/6/colour')?.detail).toContain('Valid fields are type, ')
    expect(fields(cut('{"payload":1,"x":1}'))).toEqual(['/type', '/x'])
  })

  test.each([
    ['', undefined],
    ['x'.repeat(256), undefined],
    [' a', 0],
    ['a ', 1],
    ['a\nb', 1],
    ['aé', 1],
    ['a\u007f', 1],
  ])('the key %j is refused, also under its deprecated name', (key, position) => {
    for (const name of ['key', 'id']) {
      const { errors } = cut(JSON.stringify({ type: 'T', payload: 1, [name]: key }))
      expect(errors).toMatchObject([{ field: `/${name}`, ...(position === undefined ? {} : { position }) }])
      expect(errors[0]!.detail).toContain(`The ${name} `)
    }
  })

  test('a key of 255 characters and a type of 128 are accepted, longer types are not', () => {
    const event = { type: 't'.repeat(128), payload: 1, key: '~'.repeat(255) }
    expect(cut(JSON.stringify(event)).events[0]).toMatchObject({ type: event.type, key: event.key })
    expect(fields(cut(JSON.stringify({ ...event, type: 't'.repeat(129) })))).toEqual(['/type'])
    expect(fields(cut('{"type":"T","payload":1,"key":null}'))).toEqual(['/key'])
  })

  test('the deprecated id is the key, and must equal the key if both are given', () => {
    const event = (members: object) => cut(JSON.stringify([{ type: 'T', payload: 1, ...members }]))
    const keys = (members: object) => event(members).events.map(({ key, usesId }) => [key, usesId])
    expect(keys({})).toEqual([[undefined, false]])
    expect(keys({ id: 'a' })).toEqual([['a', true]])
    expect(keys({ key: 'a' })).toEqual([['a', false]])
    expect(keys({ id: 'a', key: 'a' })).toEqual([['a', false]])
    for (const id of ['b', 'A', null, 7, '']) expect(fields(event({ id, key: 'a' })), `${id}`).toEqual(['/0/id'])
    expect(fields(event({ id: 'posthorn:a', key: 'posthorn:a' }))).toEqual(['/0/key'])
    expect(event({ ID: 'a' }).errors[0]!.detail).toContain('Valid fields are type, key, payload.')
  })

  test('thousands of unknown members produce a short list of errors', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`m${index}${'x'.repeat(200)}`, 1]))
    const { errors } = cut(JSON.stringify({ type: 'T', payload: 1, ...many }))
    expect(errors).toHaveLength(9)
    expect(JSON.stringify(errors).length).toBeLessThan(5000)
  })
})
