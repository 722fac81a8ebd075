import { translated } from '../translated.ts'

/** Words of the filter by a member of the payload. */
export const payload = translated('payload', {
  field: 'Field',
  text: 'Text',
  textHelp: 'A text in the payload, in upper and lower case as it is written',
  path: 'Field of the payload',
  pathHelp: 'Inner fields after a dot: cover.status. It looks into arrays too.',
  value: 'Is',
  valueHelp: 'One of several after commas: Quoted, Refused',
  filter: 'Filter',
  filterHelp: 'In the language of endpoints’ filters: {"amount": {"$gte": 100}}',
  notJson: 'This is not JSON.',
  asJson: 'As JSON',
  asField: 'As a field',
} as const)
