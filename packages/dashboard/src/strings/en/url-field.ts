import { translated } from '../translated.ts'

/** Words of the field in which the URL of an endpoint is typed. */
export const urlField = translated('urlField', {
  label: 'URL',
  help: 'An https URL with a public host. Posthorn sends POST requests there and follows no redirects.',
  checking: 'Checking …',
  fine: 'Posthorn can send to this URL.',
} as const)
