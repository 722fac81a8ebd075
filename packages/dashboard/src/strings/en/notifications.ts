import { formatNumber } from '../../lib/format.ts'
import { translated } from '../translated.ts'
import { common } from './common.ts'

/** Words of the page of who is told by mail or chat. */
export const notifications = translated('notifications', {
  title: 'Notifications',
  one: 'Notification',
  lead: 'Who is told by mail or chat when an endpoint is failing or disabled, a secret expires, or deliveries have used up all attempts. Each address confirms first, and can unsubscribe in every message.',
  operators: 'These are the operator’s own, about all tenants. Choose a tenant at the top to see that tenant’s.',
  add: 'Add an address',
  addShort: 'Add',
  columns: { address: 'Address', kind: 'By', state: 'State', types: 'Tells about', last: 'Last message' },
  kinds: { email: 'Mail', slack: 'Slack', teams: 'Teams' },
  states: { confirmed: 'Confirmed', unconfirmed: 'Not confirmed', failing: 'Not arriving' },
  types: {
    failing: 'Endpoint failing',
    disabled: 'Endpoint disabled',
    expiring: 'Secret expires',
    exhausted: 'Exhausted deliveries',
    nodeLost: 'Node lost',
  },
  typeHelp: {
    failing: 'An endpoint has had no success for a day.',
    disabled: 'An endpoint gets nothing until someone enables it.',
    expiring: 'A client secret or certificate expires in 30, 7 or 1 days.',
    exhausted: 'Deliveries have used up all attempts. Once a day at most.',
    nodeLost: 'A node stopped responding without a shutdown.',
  },
  allTypes: 'everything',
  never: 'none yet',
  count: (n: number, confirmed: number) =>
    `${common.count(n, 'address', 'addresses')}, ${formatNumber(confirmed)} confirmed`,
  facts: {
    address: 'Address',
    kind: 'By',
    types: 'Tells about',
    last: 'Last message',
    created: 'Added',
    confirmed: 'Confirmed',
    until: 'To be confirmed until',
    id: 'Notification',
  },
  waiting: (address: string) =>
    `A message with a link is on its way to ${address}. Nothing else is sent there before someone opens the link and presses “Confirm”.`,
  waitingChat:
    'A message with a link is on its way to the chat. Nothing else is sent there before someone opens the link and presses “Confirm”.',
  ask: 'Ask again',
  asked: 'The request was sent again.',
  test: 'Send a test',
  testing: 'Sending a test …',
  tested: (address: string) => `The test was sent to ${address}.`,
  testFailed: (reason: string) => `The test was not sent. ${reason}`,
  change: 'Change',
  remove: 'Remove',
  removeTitle: (address: string) => `Remove ${address}?`,
  removeText: 'It is told nothing more. To be told again, it has to be added and to confirm again.',
  removeAction: 'Remove 1 address',
  removed: 'The address was removed.',
  notThere: 'This address is no longer here. It was removed, or someone there unsubscribed.',
  failure: {
    noMail: 'No mail server is set.',
    later: (code: string) => `The mail server refused it for now (${code}).`,
    refused: (code: string) => `The mail server refused it (${code}). Check the address.`,
    unreachable: (code: string) => `The mail server could not be used (${code}).`,
    webhookGone: (status: string) =>
      `The chat no longer takes messages here (${status}). Create another webhook there, and add it.`,
    chat: (status: string) => `The chat responded with ${status}.`,
    other: (reason: string) => `It failed: ${reason}.`,
  },
  empty: {
    title: 'No one is told yet',
    text: 'Add the mail address of those who look after the receivers, or the channel where they are.',
  },
  form: {
    title: 'Add an address',
    changeTitle: 'What it tells about',
    kind: 'By',
    mail: 'Mail address',
    mailHelp: 'It gets a message with a link to confirm, and nothing else before.',
    webhook: 'URL of the incoming webhook',
    slackHelp:
      'In Slack: an app with incoming webhooks. The channel gets a link to confirm first. The URL is not shown again.',
    teamsHelp:
      'In Teams: a workflow “Post to a channel when a webhook request is received”. The channel gets a link to confirm first. The URL is not shown again.',
    types: 'Tells about',
    typesMissing: 'Choose at least one.',
    addressMissing: 'Enter the address.',
    submit: 'Add, and ask to confirm',
    save: 'Save',
    added: 'The address was added and asked to confirm.',
    saved: 'Saved.',
  },
})
