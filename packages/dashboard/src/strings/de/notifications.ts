import { formatNumber } from '../../lib/format.ts'
import { count } from './common.ts'

export const notifications = {
  title: 'Benachrichtigungen',
  one: 'Benachrichtigung',
  lead: 'Wer per E-Mail oder Chat erfährt, wenn ein Endpunkt gestört oder deaktiviert ist, ein Secret abläuft oder Zustellungen alle Versuche verbraucht haben. Jede Adresse bestätigt zuerst und kann sich in jeder Nachricht abmelden.',
  add: 'Adresse hinzufügen',
  addShort: 'Hinzufügen',
  columns: { address: 'Adresse', kind: 'Per', state: 'Zustand', types: 'Worüber', last: 'Letzte Nachricht' },
  kinds: { email: 'E-Mail', slack: 'Slack', teams: 'Teams' },
  states: { confirmed: 'Bestätigt', unconfirmed: 'Nicht bestätigt', failing: 'Kommt nicht an' },
  types: {
    failing: 'Endpunkt gestört',
    disabled: 'Endpunkt deaktiviert',
    expiring: 'Secret läuft ab',
    exhausted: 'Aufgegebene Zustellungen',
  },
  typeHelp: {
    failing: 'Ein Endpunkt hatte einen Tag lang keinen Erfolg.',
    disabled: 'Ein Endpunkt bekommt nichts, bis ihn jemand aktiviert.',
    expiring: 'Ein Client-Secret oder Zertifikat läuft in 30, 7 oder 1 Tagen ab.',
    exhausted: 'Zustellungen haben alle Versuche verbraucht. Höchstens einmal am Tag.',
  },
  allTypes: 'alles',
  never: 'noch keine',
  count: (n: number, confirmed: number) => `${count(n, 'Adresse', 'Adressen')}, ${formatNumber(confirmed)} bestätigt`,
  facts: {
    address: 'Adresse',
    kind: 'Per',
    types: 'Worüber',
    last: 'Letzte Nachricht',
    created: 'Hinzugefügt',
    confirmed: 'Bestätigt',
    until: 'Zu bestätigen bis',
    id: 'Benachrichtigung',
  },
  waiting: (address: string) =>
    `Eine Nachricht mit einem Link ist unterwegs an ${address}. Sonst wird dorthin nichts gesendet, bis jemand den Link öffnet und auf „Bestätigen“ drückt.`,
  waitingChat:
    'Eine Nachricht mit einem Link ist unterwegs in den Chat. Sonst wird dorthin nichts gesendet, bis jemand den Link öffnet und auf „Bestätigen“ drückt.',
  ask: 'Noch einmal fragen',
  asked: 'Die Bitte um Bestätigung wurde noch einmal gesendet.',
  test: 'Test senden',
  testing: 'Test wird gesendet …',
  tested: (address: string) => `Der Test wurde an ${address} gesendet.`,
  testFailed: (reason: string) => `Der Test wurde nicht gesendet. ${reason}`,
  change: 'Ändern',
  remove: 'Entfernen',
  removeTitle: (address: string) => `${address} entfernen?`,
  removeText:
    'Sie erfährt nichts mehr. Um wieder etwas zu erfahren, muss sie neu hinzugefügt werden und noch einmal bestätigen.',
  removeAction: '1 Adresse entfernen',
  removed: 'Die Adresse wurde entfernt.',
  notThere: 'Diese Adresse ist nicht mehr da. Sie wurde entfernt, oder jemand dort hat sich abgemeldet.',
  failure: {
    noMail: 'Es ist kein Mailserver eingestellt.',
    later: (code: string) => `Der Mailserver hat sie vorerst abgelehnt (${code}).`,
    refused: (code: string) => `Der Mailserver hat sie abgelehnt (${code}). Prüfen Sie die Adresse.`,
    unreachable: (code: string) => `Der Mailserver war nicht zu benutzen (${code}).`,
    webhookGone: (status: string) =>
      `Der Chat nimmt hier keine Nachrichten mehr an (${status}). Erstellen Sie dort einen neuen Webhook, und fügen Sie ihn hinzu.`,
    chat: (status: string) => `Der Chat hat mit ${status} geantwortet.`,
    other: (reason: string) => `Fehlgeschlagen: ${reason}.`,
  },
  empty: {
    title: 'Noch erfährt es niemand',
    text: 'Fügen Sie die E-Mail-Adresse derer hinzu, die sich um die Empfänger kümmern, oder ihren Kanal.',
  },
  form: {
    title: 'Adresse hinzufügen',
    changeTitle: 'Worüber berichtet wird',
    kind: 'Per',
    mail: 'E-Mail-Adresse',
    mailHelp: 'Sie bekommt eine Nachricht mit einem Link zum Bestätigen, und vorher nichts anderes.',
    webhook: 'URL des eingehenden Webhooks',
    slackHelp:
      'In Slack: eine App mit „Incoming Webhooks“. Der Kanal bekommt zuerst einen Link zum Bestätigen. Die URL wird nicht wieder gezeigt.',
    teamsHelp:
      'In Teams: ein Workflow, der bei einer Webhook-Anfrage in einem Kanal postet. Der Kanal bekommt zuerst einen Link zum Bestätigen. Die URL wird nicht wieder gezeigt.',
    types: 'Worüber',
    typesMissing: 'Wählen Sie mindestens eines.',
    addressMissing: 'Geben Sie die Adresse ein.',
    submit: 'Hinzufügen und um Bestätigung bitten',
    save: 'Speichern',
    added: 'Die Adresse wurde hinzugefügt und um Bestätigung gebeten.',
    saved: 'Gespeichert.',
  },
}
