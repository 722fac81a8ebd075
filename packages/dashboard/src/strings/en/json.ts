import { formatNumber } from '../../lib/format.ts'
import { translated } from '../translated.ts'

/** What the syntax of JSON asks for, where a text lacks it. */
export type SyntaxFault =
  | 'empty'
  | 'value'
  | 'comma'
  | 'trailingComma'
  | 'key'
  | 'colon'
  | 'quotes'
  | 'unclosedText'
  | 'control'
  | 'escape'
  | 'word'
  | 'number'
  | 'comment'
  | 'unclosedObject'
  | 'unclosedArray'
  | 'mismatch'
  | 'extra'
  | 'duplicate'

/** Words of the JSON editor: what is wrong with a text, and what to do. */
export const json = translated('json', {
  syntax: {
    empty: () => 'Nothing here yet: write a JSON object, such as {"id": 1}.',
    value: () => 'A value is missing here.',
    comma: () => 'A comma is missing before this.',
    trailingComma: () => 'Nothing follows this comma: remove it.',
    key: () => 'A member’s name must be in double quotes.',
    colon: () => 'A colon is missing after the member’s name.',
    quotes: () => 'Text must be in double quotes, not single ones.',
    unclosedText: () => 'This text has no closing double quote in its line.',
    control: () => 'Text can’t contain a tab or a control character: write \\t, \\n or \\u0000.',
    escape: () => 'This escape doesn’t exist. A backslash is written \\\\.',
    word: (word: string) => `“${word}” is not JSON. Text needs double quotes; the only words are true, false and null.`,
    number: (text: string) =>
      `“${text}” is not a number in JSON: no leading zeros, no plus sign, digits on both sides of the point.`,
    comment: () => 'JSON has no comments: remove this.',
    unclosedObject: () => 'This object has no closing brace.',
    unclosedArray: () => 'This array has no closing bracket.',
    mismatch: () => 'This bracket doesn’t close what was opened last.',
    extra: () => 'Only one value can stand here: remove what follows it.',
    duplicate: (name: string) => `The member ${name} is there twice.`,
  } satisfies Record<SyntaxFault, (text: string) => string>,
  kinds: {
    string: 'text',
    number: 'a number',
    integer: 'a whole number',
    boolean: 'true or false',
    object: 'an object',
    array: 'an array',
    null: 'null',
  } as Readonly<Record<string, string>>,
  schema: {
    type: (wanted: string, got: string) => `Must be ${wanted}, but is ${got}.`,
    required: () => 'Is missing.',
    enum: (values: readonly string[], more: number) =>
      `Must be one of ${values.join(', ')}${more === 0 ? '' : ` or ${formatNumber(more)} others`}.`,
    const: (value: string) => `Must be ${value}.`,
    format: (format: string) => `Must be ${format}.`,
    pattern: (pattern: string | null) =>
      pattern === null ? 'Doesn’t match the pattern.' : `Must match the pattern ${pattern}.`,
    minLength: (n: number) => `Must have at least ${characters(n)}.`,
    maxLength: (n: number) => `Must have at most ${characters(n)}.`,
    minimum: (n: string) => `Must be at least ${n}.`,
    maximum: (n: string) => `Must be at most ${n}.`,
    exclusiveMinimum: (n: string) => `Must be greater than ${n}.`,
    exclusiveMaximum: (n: string) => `Must be less than ${n}.`,
    multipleOf: (n: string) => `Must be a multiple of ${n}.`,
    minItems: (n: number) => `Must have at least ${formatNumber(n)} ${n === 1 ? 'item' : 'items'}.`,
    maxItems: (n: number) => `Must have at most ${formatNumber(n)} ${n === 1 ? 'item' : 'items'}.`,
    uniqueItems: () => 'Has the same item twice.',
    minProperties: (n: number) => `Must have at least ${formatNumber(n)} ${n === 1 ? 'member' : 'members'}.`,
    maxProperties: (n: number) => `Must have at most ${formatNumber(n)} ${n === 1 ? 'member' : 'members'}.`,
    notAllowed: () => 'Isn’t allowed here.',
    anyOf: () => 'Fits none of the forms that the schema allows.',
    oneOf: () => 'Must fit exactly one of the forms that the schema allows.',
    not: () => 'Has a form that the schema excludes.',
    contains: () => 'Has no item, or too few or too many, of the form that the schema asks for.',
    dependentRequired: (name: string) => `The member ${name} is missing, which another member needs.`,
    propertyNames: (name: string) => `The name ${name} isn’t allowed.`,
    other: (text: string) => text,
  },
  formats: {
    'date-time': 'a date and time such as 2026-11-30T08:15:00Z',
    date: 'a date such as 2026-11-30',
    time: 'a time such as 08:15:00Z',
    duration: 'a duration such as P1DT2H',
    email: 'an email address',
    hostname: 'a host name',
    ipv4: 'an IPv4 address',
    ipv6: 'an IPv6 address',
    uri: 'a URI',
    'uri-reference': 'a URI or a relative reference',
    uuid: 'a UUID',
    regex: 'a regular expression',
    'json-pointer': 'a JSON Pointer',
  } as Readonly<Record<string, string>>,
  ofFormat: (format: string) => `of the format ${format}`,
  unchecked: 'The schema can’t be checked in the browser. The server checks the payload when it gets it.',
  or: ' or ',
  editor: {
    place: (line: number, path: string) => (path === '' ? `Line ${line}` : `Line ${line} · ${path}`),
    problems: (n: number) => (n === 1 ? '1 problem' : `${formatNumber(n)} problems`),
    more: (n: number) => `and ${formatNumber(n)} more`,
    valid: 'Valid',
    validSyntax: 'Valid JSON',
    format: 'Format',
    help: 'Tab leaves the editor. Enter indents.',
    list: 'Problems',
  },
} as const)

function characters(n: number): string {
  return `${formatNumber(n)} ${n === 1 ? 'character' : 'characters'}`
}
