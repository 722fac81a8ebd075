import type { Phrases } from './phrases.ts'

export const en: Phrases = {
  installation: 'this Posthorn installation',
  own: 'your webhooks',
  confirm: {
    title: 'Confirm notifications',
    text: (address, about) => `${address} gets notifications about ${about} once you confirm it.`,
  },
  unsubscribe: {
    title: 'Stop notifications',
    text: (address, about) => `${address} no longer gets notifications about ${about} once you unsubscribe.`,
  },
  confirmed: {
    title: 'Confirmed',
    text: (address, about) => `${address} gets notifications about ${about}.`,
  },
  unsubscribed: {
    title: 'Unsubscribed',
    text: (address, about) => `${address} gets no notifications about ${about}.`,
  },
  buttons: { confirm: 'Confirm', unsubscribe: 'Unsubscribe' },
}
