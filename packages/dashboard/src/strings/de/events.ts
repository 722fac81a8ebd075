import { formatNumber } from '../../lib/format.ts'
import { attemptCount, deliveryCount, endpointCount } from './common.ts'

const more = (n: number, one: string, many: string) => `${endpointCount(n)} ${n === 1 ? one : many}`

export const events = {
  title: 'Ereignisse',
  one: 'Ereignis',
  columns: { time: 'Veröffentlicht', type: 'Ereignistyp', key: 'Schlüssel', payload: 'Inhalt' },
  filters: {
    type: 'Ereignistyp',
    typeOwn: 'Anderer Typ',
    key: 'Schlüssel',
    keyHelp: 'Der vollständige Schlüssel, mit dem das Ereignis veröffentlicht wurde. Gesucht wird in aller Zeit.',
  },
  test: 'Test',
  rejected: 'Abgelehnt',
  noKey: 'kein Schlüssel',
  payloadHidden: 'Ihr Link zeigt keine Inhalte.',
  payloadRemoved: 'Der Inhalt wird nicht mehr aufbewahrt, deshalb kann dieses Ereignis nicht erneut gesendet werden.',
  payloadNotKept: 'nicht mehr aufbewahrt',
  payloadTooLarge: 'Es wurde wegen seiner Größe abgelehnt, deshalb ist sein Inhalt nicht aufbewahrt.',
  match: (n: number) => `${formatNumber(n)} Treffer`,
  newestFirst: 'Neueste zuerst',
  searchOn: 'Weiter zurück suchen',
  publish: 'Testereignis veröffentlichen',
  empty: {
    title: 'Noch keine Ereignisse',
    text: 'Ein Ereignis ist etwas, das geschehen ist, mit einem Typ und einem Inhalt. Es wird an jeden Ihrer Endpunkte gesendet, der es haben will.',
  },
  notFound: 'Dieses Ereignis ist nicht hier. Es wird vielleicht nicht mehr aufbewahrt.',
  says: {
    rejected: 'Abgelehnt: Es verletzt eine Regel. Kein Endpunkt bekommt es.',
    noEndpoints: 'An niemanden gesendet: Es gibt keine Endpunkte.',
    none: (n: number) =>
      n === 1 ? 'Der einzige Endpunkt hat es nicht bekommen.' : `Keiner der ${endpointCount(n)} hat es bekommen.`,
    making: 'Seine Zustellungen werden erstellt.',
    all: (n: number) =>
      n === 1
        ? 'An den einen Endpunkt zugestellt, der es haben will.'
        : `An alle ${endpointCount(n)} zugestellt, die es haben wollen.`,
    some: (arrived: number, of: number, isOver: boolean) =>
      of === 1
        ? `${isOver ? 'Nicht' : 'Noch nicht'} an den einen Endpunkt zugestellt, der es haben will.`
        : `An ${formatNumber(arrived)} von ${formatNumber(of)} Endpunkten zugestellt, die es haben wollen.`,
    states: {
      pending: (n: number) => `${formatNumber(n)} ausstehend`,
      retrying: (n: number) => `${formatNumber(n)} in Wiederholung`,
      exhausted: (n: number) => `${formatNumber(n)} aufgegeben`,
      held: (n: number) => `${formatNumber(n)} angehalten`,
      cancelled: (n: number) => `${formatNumber(n)} abgebrochen`,
    },
    newest: (n: number) => `Von den neuesten ${formatNumber(n)} Endpunkten:`,
  },
  sent: 'Gesendet an',
  notSent: 'Nicht gesendet an',
  why: {
    type: (n: number) => more(n, 'bekommt diesen Typ nicht', 'bekommen diesen Typ nicht'),
    filter: (n: number) =>
      more(n, 'hat einen Filter, der es ausgeschlossen hat', 'haben einen Filter, der es ausgeschlossen hat'),
    registered_later: (n: number) =>
      more(n, 'wurde erst nach der Veröffentlichung registriert', 'wurden erst nach der Veröffentlichung registriert'),
    deleted: (n: number) => more(n, 'war gelöscht', 'waren gelöscht'),
    rejected: (n: number) => `${endpointCount(n)}: Es wurde abgelehnt`,
    test: (n: number) => `${endpointCount(n)}: Es war ein Test eines anderen Endpunkts`,
    unknown: (n: number) => `${endpointCount(n)}: zu lange her, um den Grund zu nennen`,
  },
  mend: {
    type: 'Fügen Sie den Typ dem Endpunkt hinzu, und senden Sie das Ereignis dann erneut.',
    filter: 'Ändern Sie den Filter des Endpunkts, und senden Sie das Ereignis dann erneut.',
    registered_later: 'Senden Sie das Ereignis erneut, um ihn einzuschließen.',
    deleted: null,
    rejected: null,
    test: null,
    unknown: null,
  },
  filterNow: (because: string) => `Nach seinem jetzigen Filter: ${because}`,
  filterPasses: 'Sein jetziger Filter ließe es durch.',
  waits: {
    earlier_delivery: 'Wartet auf eine frühere Zustellung dieses geordneten Endpunkts',
    next_attempt: 'Nächster Versuch',
    paused: 'Der Empfänger bat um eine Pause',
    failing: 'Der Empfänger ist gestört, deshalb bekommt er Anfragen langsam',
    rate_limit: 'Wartet wegen des Ratenlimits des Endpunkts',
    no_listener: 'Zurzeit hört niemand zu',
    disabled: 'Der Endpunkt ist deaktiviert: Aktivieren Sie ihn zur Freigabe',
    set_aside: 'Nach Abstürzen beiseitegelegt: wiederholen oder abbrechen',
    deleted: 'Der Endpunkt wurde gelöscht',
    cancelled: 'Von jemandem abgebrochen',
    about: 'Wird gleich gesendet',
    making: 'Wird erstellt',
  },
  atAttempt: (n: number) => `bei Versuch ${formatNumber(n)}`,
  afterAttempts: (n: number) => `nach ${n === 1 ? '1 Versuch' : `${attemptCount(n)}n`}`,
  showAll: (n: number) => `Alle ${formatNumber(n)} zeigen`,
  moreEndpoints: 'Weitere Endpunkte zeigen',
  allDeliveries: (n: number) => `Alle ${deliveryCount(n)}`,
  dueNow: 'jetzt fällig',
  faults: 'Warum es abgelehnt wurde',
  payload: 'Inhalt',
  facts: { type: 'Ereignistyp', key: 'Schlüssel', created: 'Veröffentlicht' },
  sendAgain: 'Erneut senden',
  again: {
    title: 'Dieses Ereignis erneut senden',
    text: 'Neue Zustellungen werden mit derselben Webhook-ID erstellt: Empfänger, die IDs prüfen, übergehen, was sie schon haben. Ausstehende und angehaltene Zustellungen bleiben, wie sie sind, denn sie werden noch gesendet.',
    missing: 'Auch an Endpunkte, die es nie bekamen und jetzt haben wollen',
    action: (n: number | null) => (n === null ? 'Zustellungen erstellen' : `${deliveryCount(n)} erstellen`),
    counting: 'Wird gezählt …',
    none: 'Es gibt nichts zu senden: Keine seiner Zustellungen ist beendet.',
    noneAtAll: 'Es gibt nichts zu senden: Keine seiner Zustellungen ist beendet, und kein anderer Endpunkt will es.',
    done: (n: number | null) =>
      n === null ? 'Das Replay hat begonnen.' : `${deliveryCount(n)} ${n === 1 ? 'wird' : 'werden'} erstellt.`,
    see: 'Replay ansehen',
  },
}
