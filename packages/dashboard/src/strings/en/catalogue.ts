import { formatNumber } from '../../lib/format.ts'
import { translated } from '../translated.ts'
import { common } from './common.ts'

const PLURALS: Readonly<Record<string, string>> = {
  string: 'strings',
  number: 'numbers',
  integer: 'integers',
  boolean: 'booleans',
  object: 'objects',
  array: 'arrays',
  null: 'nulls',
}

type Limits = readonly [min: number | undefined, max: number | undefined]

function amount([min, max]: Limits, one: string, many: string): string {
  const unit = (n: number) => common.count(n, one, many)
  if (min !== undefined && min === max) return `exactly ${unit(min)}`
  if (min !== undefined && max !== undefined) return `${formatNumber(min)} to ${unit(max)}`
  return min === undefined ? `at most ${unit(max ?? 0)}` : `at least ${unit(min)}`
}

/** What an event type is: its payload's schema, an example, and code that receives it. Tenants read it too. */
export const catalogue = translated('catalogue', {
  payload: 'Payload',
  outline: 'Outline',
  jsonSchema: 'JSON Schema',
  view: 'How the payload is described',
  example: 'Example',
  required: 'required',
  optional: 'optional',
  deprecated: 'deprecated',
  anyValue: 'any value',
  anyOf: 'any values',
  never: 'never present',
  or: 'or',
  arrayOf: (items: string) => `array of ${items}`,
  plural: (type: string) => PLURALS[type] ?? type,
  eachItem: 'each item',
  item: (index: number) => `item ${index + 1}`,
  otherProperties: 'any other name',
  matching: 'names that match',
  variant: (number: number) => `Form ${number}`,
  oneOf: (n: number) => `One of these ${n} forms`,
  someOf: (n: number) => `At least one of these ${n} forms`,
  repeats: (name: string) =>
    name === '#' ? 'has the form of the whole payload again' : `has the form of ${name} again`,
  cut: 'There is more here than an outline can show: see the JSON Schema.',
  nothing: 'The schema says nothing about the payload’s members.',
  moreValues: (n: number) => `${formatNumber(n)} more`,
  unfold: (name: string) => `Show what is in ${name}`,
  fold: (name: string) => `Hide what is in ${name}`,
  unfoldAll: 'Unfold all',
  foldAll: 'Fold all',
  wholePayload: 'the payload',
  rules: {
    length: (limits: Limits) => amount(limits, 'character', 'characters'),
    items: (limits: Limits) => amount(limits, 'item', 'items'),
    members: (limits: Limits) => amount(limits, 'member', 'members'),
    unique: 'no item twice',
    between: (min: string, max: string) => `${min} to ${max}`,
    min: (value: string) => `${value} or more`,
    max: (value: string) => `${value} or less`,
    above: (value: string) => `more than ${value}`,
    below: (value: string) => `less than ${value}`,
    multiple: (value: string) => `a multiple of ${value}`,
    pattern: 'matches',
    encoding: (name: string) => `encoded as ${name}`,
    media: (name: string) => `contains ${name}`,
    standard: 'default',
    such: 'such as',
    closed: 'no other members',
    needs: (name: string, others: string) => `${name} only together with ${others}`,
    contains: 'has an item that satisfies',
    names: 'names satisfy',
    dependent: 'depending on members',
    ifSo: 'if',
    thenSo: 'then',
    otherwise: 'otherwise',
    not: 'is not',
  },
  receive: {
    title: 'Receive it',
    lead: 'A complete receiver, without packages. Copy it, set your secret, and make it yours.',
    language: 'Language',
    does: [
      ['Checks the bearer token', 'against your clientSecret, in constant time; two secrets while you replace one.'],
      ['Verifies the signature', 'over id, time and the bytes of the body, if you set a signing secret.'],
      ['Keeps each event once', 'under its webhook-id: an event can arrive more than once.'],
      ['Responds with 204 first', 'and works afterwards. Anything but a 2xx is sent again later.'],
    ],
    run: 'Run it',
    signing: '# and SIGNING_SECRET=whsec_… to verify signatures',
    secret: 'a-long-random-secret',
    tryIt: 'Try it from another terminal, without a signing secret',
    trySigned: 'Try it from another terminal, signed as a real request is',
    csharpRun: 'dotnet new web -o receiver && cd receiver   # then replace Program.cs',
    tls: 'Posthorn sends to https:// only: put the receiver behind your proxy or load balancer.',
    library:
      'In JavaScript and TypeScript, verify(request, secrets) of @posthorn/client does all the checks in one call, on Node, Deno, Bun and at the edge.',
  },
} as const)
