import { formatNumber } from '../../lib/format.ts'
import { translated } from '../translated.ts'

/** Words of the field in which the event types of an endpoint are chosen. */
export const typesField = translated('typesField', {
  label: 'Event types',
  all: 'All types',
  chosen: 'Chosen types',
  allHelp: 'Every type in the catalogue, and those that are added later.',
  find: 'Find a type, or write a pattern such as COVER_*',
  add: (pattern: string) => `Add the pattern “${pattern}”`,
  patterns: 'Patterns',
  fits: (n: number) => (n === 1 ? 'fits 1 type' : `fits ${formatNumber(n)} types`),
  fitsNothing: 'fits no type now',
  archived: 'archived',
  noGroup: 'Without a group',
  count: (n: number) => (n === 0 ? 'None chosen yet.' : n === 1 ? '1 chosen.' : `${formatNumber(n)} chosen.`),
  nothing: 'No type has this in its name.',
} as const)
