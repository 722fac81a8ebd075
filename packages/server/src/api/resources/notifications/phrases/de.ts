import type { Phrases } from './phrases.ts'

export const de: Phrases = {
  installation: 'diese Posthorn-Installation',
  own: 'Ihre Webhooks',
  confirm: {
    title: 'Benachrichtigungen bestätigen',
    text: (address, about) => `${address} bekommt Benachrichtigungen über ${about}, sobald Sie das bestätigen.`,
  },
  unsubscribe: {
    title: 'Benachrichtigungen beenden',
    text: (address, about) =>
      `${address} bekommt keine Benachrichtigungen über ${about} mehr, sobald Sie sich abmelden.`,
  },
  confirmed: {
    title: 'Bestätigt',
    text: (address, about) => `${address} bekommt Benachrichtigungen über ${about}.`,
  },
  unsubscribed: {
    title: 'Abgemeldet',
    text: (address, about) => `${address} bekommt keine Benachrichtigungen über ${about}.`,
  },
  buttons: { confirm: 'Bestätigen', unsubscribe: 'Abmelden' },
}
