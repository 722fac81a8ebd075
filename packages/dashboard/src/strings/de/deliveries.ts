import { formatNumber } from '../../lib/format.ts'
import { deliveryCount } from './common.ts'

export const deliveries = {
  title: 'Zustellungen',
  one: 'Zustellung',
  columns: {
    time: 'Erstellt',
    state: 'Zustand',
    type: 'Ereignistyp',
    endpoint: 'Endpunkt',
    status: 'Antwort',
    attempts: 'Versuche',
    took: 'Dauer',
    next: 'Nächster Versuch',
  },
  filters: {
    state: 'Zustand',
    status: 'Status',
    error: 'Fehler',
    type: 'Ereignistyp',
    endpoint: 'Endpunkt',
    event: 'Ereignis',
    key: 'Schlüssel',
    heldReason: 'Angehalten, weil',
    keyHelp: 'Der Schlüssel, mit dem das Ereignis veröffentlicht wurde',
    endpointHelp: 'ID oder uid eines Endpunkts',
    eventHelp: 'ID eines Ereignisses',
    typeOwn: 'Anderer Typ',
    statusOwn: 'Anderer Status, etwa 418',
    statuses: {
      '2xx': '2xx · Erfolg',
      '3xx': '3xx · Weiterleitung',
      '4xx': '4xx · abgelehnt',
      '5xx': '5xx · Fehler des Empfängers',
      none: 'Keine Antwort',
    },
    heldReasons: { disabled: 'Endpunkt deaktiviert', set_aside: 'Nach Abstürzen beiseitegelegt' },
  },
  match: (n: number | null) => (n === null ? 'mehr als 10.000 Treffer' : `${formatNumber(n)} Treffer`),
  searchOn: 'Weiter zurück suchen',
  empty: {
    title: 'Noch keine Zustellungen',
    text: 'Eine Zustellung ist ein Ereignis auf dem Weg zu einem Endpunkt. Registrieren Sie einen Endpunkt: Sobald ein passendes Ereignis eintritt, erscheint hier seine Zustellung.',
    action: 'Endpunkt registrieren',
  },
  emptyRange: {
    title: 'Keine Zustellungen in diesem Zeitraum',
    newest: 'Die neueste wurde erstellt',
    show: (range: string) => `${range} zeigen`,
    noMatch: 'In diesem Zeitraum passt nichts',
    newestMatch: 'Die neueste passende wurde erstellt',
  },
  searched: { title: 'Bisher nichts gefunden', text: 'Durchsucht zurück bis' },
  retry: 'Jetzt wiederholen',
  retryAgain: 'Erneut senden',
  retryMany: (n: number) => `${deliveryCount(n)} erneut senden …`,
  retryAll: 'Alle Treffer erneut senden …',
  resend: (n: number, hasMore: boolean) => (hasMore ? 'Alle erneut senden' : `${deliveryCount(n)} erneut senden`),
  cancel: 'Zustellung abbrechen',
  cancelTitle: 'Diese Zustellung abbrechen?',
  cancelText:
    'Sie wird nicht mehr gesendet. Der Empfänger bekommt dieses Ereignis nie, es sei denn, Sie senden es von hier erneut.',
  retryTickedText:
    'Jede ausstehende Zustellung wird jetzt versucht; jede beendete wird als neue Zustellung mit derselben Webhook-ID gesendet. Empfänger, die IDs prüfen, übergehen, was sie schon haben.',
  resendTitle: 'Zustellungen erneut senden',
  resendText: (filters: string, _tenant: string | null, isEnded: boolean) =>
    `Jede Zustellung, die zu den Filtern passt (${filters}), wird ${isEnded ? 'als neue Zustellung mit derselben Webhook-ID erneut gesendet' : 'erneut gesendet: ausstehende jetzt, beendete als neue Zustellungen mit derselben Webhook-ID'}.`,
  arrived: (n: number) =>
    n === 1
      ? 'Eine davon wurde zugestellt: Ihr Empfänger bekommt sie noch einmal.'
      : `${formatNumber(n)} davon wurden zugestellt: Ihre Empfänger bekommen sie noch einmal.`,
  resending: (n: number) => `${deliveryCount(n)} bisher gesendet …`,
  counting: 'Wird gezählt …',
  countedSoFar: (n: number) => `${deliveryCount(n)} bisher …`,
  moreMatch:
    'Mehr als 10.000 passen: Sie werden seitenweise gesendet, neueste zuerst. Lassen Sie diese Seite offen, bis es fertig ist.',
  nothingToResend: 'Nichts, was passt, kann erneut gesendet werden.',
  leftOut: 'Ausgelassen:',
  superseded: (n: number) => (n === 1 ? 'wurde seitdem erneut gesendet.' : 'wurden seitdem erneut gesendet.'),
  retried: (n: number) => `${deliveryCount(n)} ${n === 1 ? 'wird' : 'werden'} gesendet.`,
  retriedSome: (n: number, failed: number) =>
    `${deliveryCount(n)} ${n === 1 ? 'wird' : 'werden'} gesendet; ${formatNumber(failed)} konnten nicht wiederholt werden.`,
  retriedNew: 'Als neue Zustellung erneut gesendet.',
  retriedNow: 'Der nächste Versuch läuft jetzt.',
  cancelled: 'Die Zustellung ist abgebrochen.',
  sentence: {
    delivered: (attempts: number, took: string) =>
      attempts === 1
        ? `Beim ersten Versuch zugestellt, in ${took}.`
        : `Bei Versuch ${attempts} zugestellt, nach ${attempts - 1} ${attempts === 2 ? 'Fehlschlag' : 'Fehlschlägen'}.`,
    waiting: 'Wartet auf den ersten Versuch.',
    due: 'Ein Versuch ist jetzt fällig.',
    retrying: (attempts: number) =>
      attempts === 1
        ? 'Der erste Versuch ist gescheitert.'
        : attempts === 2
          ? 'Beide bisherigen Versuche sind gescheitert.'
          : `Alle ${attempts} bisherigen Versuche sind gescheitert.`,
    first: 'Er beginnt',
    nextIn: 'Nächster Versuch',
    exhausted: (attempts: number) =>
      attempts === 1
        ? 'Der einzige Versuch ist gescheitert. Von selbst wird nichts mehr gesendet.'
        : `${attempts === 2 ? 'Beide' : `Alle ${attempts}`} Versuche sind gescheitert. Von selbst wird nichts mehr gesendet.`,
    held: 'Angehalten, weil der Endpunkt deaktiviert ist. Aktivieren Sie ihn, um sie freizugeben.',
    setAside:
      'Beiseitegelegt: Sie war bei drei Abstürzen des Servers unterwegs und könnte sie verursacht haben. Sehen Sie sie an, dann wiederholen Sie sie oder brechen sie ab.',
    cancelled: 'Abgebrochen. Sie wird nicht gesendet.',
    was: 'Der Empfänger antwortete mit',
    noResponse: 'Es kam keine Antwort',
  },
  timeline: 'Versuche',
  gap: (gap: string) => `+${gap}`,
  published: 'Veröffentlicht',
  attempt: (n: number) => `Versuch ${n}`,
  nextAttempt: 'nächster',
  heldStep: 'angehalten',
  cancelledStep: 'abgebrochen',
  openEndpoint: 'Endpunkt öffnen',
  dueNow: 'jetzt fällig',
  request: 'Anfrage',
  response: 'Antwort',
  headers: 'Header',
  body: 'Inhalt',
  noBody: 'Kein Inhalt.',
  noRequest: 'In diesem Versuch wurde nichts gesendet.',
  noResponse: 'Der Empfänger hat keine Antwort gesendet.',
  responseRemoved: 'Die Antwort wird nicht mehr aufbewahrt.',
  responseHidden: 'Ihr Link zeigt keine Inhalte und Antworten.',
  payloadRemoved: 'Der Inhalt wird nicht mehr aufbewahrt.',
  truncated: 'Nur die ersten 16 KiB der Antwort werden aufbewahrt.',
  copyCurl: 'Als curl kopieren',
  curlNote: 'Secrets werden ausgelassen.',
  facts: {
    id: 'Zustellung',
    event: 'Ereignis',
    endpoint: 'Endpunkt',
    created: 'Erstellt',
    ended: 'Beendet',
    replayOf: 'Wiederholt',
    test: 'Testereignis',
    address: 'Adresse',
    took: 'Dauer',
    started: 'Begonnen',
    reconnected: 'Die gehaltene Verbindung war geschlossen; die Anfrage wurde auf einer neuen wiederholt.',
    clientCertificate: 'Client-Zertifikat vorgelegt',
  },
  notFound: 'Diese Zustellung ist nicht hier. Sie wird vielleicht nicht mehr aufbewahrt.',
}
