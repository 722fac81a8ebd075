import { translated } from '../translated.ts'
import { common } from './common.ts'

/** The event types, for anyone who has the address. */
export const publicTypes = translated('publicTypes', {
  title: 'Event types',
  lead: 'What can be sent to you: each type with its schema, an example, and code that receives it.',
  search: 'Name, group or description',
  count: (n: number) => common.count(n, 'type', 'types'),
  none: 'There are no event types yet.',
  noMatch: 'No type matches.',
  clear: 'Show all',
  all: 'All event types',
  help: 'More to read',
  missing: 'There is no event type with this name',
  missingText: 'The name may be mistyped, or the type is no longer in use.',
  closed: 'There is no page here',
  closedText:
    'Event types are not public here, or the address is mistyped. Ask your provider where they are described.',
} as const)
