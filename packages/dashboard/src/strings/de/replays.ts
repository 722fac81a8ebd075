import { formatNumber } from '../../lib/format.ts'
import { common, deliveryCount as deliveries } from './common.ts'

export const replays = {
  title: 'Replays',
  newestFirst: 'Neueste zuerst',
  one: 'Replay',
  start: 'Replay starten',
  columns: {
    created: 'Gestartet',
    state: 'Stand',
    selection: 'Auswahl',
    period: 'Ereignisse aus',
    progress: 'Fortschritt',
    key: 'Schlüssel',
  },
  states: {
    searching: 'Sucht',
    running: 'Läuft',
    paused: 'Pausiert',
    sending: 'Sendet',
    done: 'Fertig',
    cancelling: 'Wird abgebrochen',
    cancelled: 'Abgebrochen',
  },
  filters: {
    state: 'Stand',
    states: { running: 'Läuft', paused: 'Pausiert', done: 'Fertig', cancelled: 'Abgebrochen' },
  },
  empty: {
    title: 'Noch keine Replays',
    text: 'Ein Replay sendet frühere Ereignisse erneut: die in einem Ausfall gescheiterten, oder alle, die ein zu spät registrierter Endpunkt verpasst hat. Sie sehen vor dem Start, wie viele es werden, und können es jederzeit anhalten.',
  },

  what: {
    exhausted: 'aufgegebene',
    cancelled: 'abgebrochene',
    delivered: 'zugestellte',
    missing: 'verpasste',
  },
  enumerate: (list: readonly string[]) => {
    const text = list.length < 2 ? list.join('') : `${list.slice(0, -1).join(', ')} und ${list.at(-1)}`
    return text.charAt(0).toUpperCase() + text.slice(1)
  },
  allTypes: 'alle Typen',
  types: (n: number) => common.count(n, 'Typ', 'Typen'),
  oneEvent: 'ein Ereignis',
  oneEndpoint: 'ein Endpunkt',
  ever: 'beliebiger Zeit',
  since: (time: string) => `seit ${time}`,
  until: (time: string) => `bis ${time}`,

  progress: (made: number, of: number | null) =>
    of === null ? `${formatNumber(made)} angelegt` : `${formatNumber(made)} von ${formatNumber(of)}`,
  parts: {
    ended: 'Beendet',
    sending: 'Wird gesendet',
    skipped: 'Ausgelassen',
    left: 'Noch anzulegen',
  },
  partsHelp: {
    skipped:
      'Doch nicht angelegt: Das Ereignis wurde inzwischen erneut gesendet, der Endpunkt wurde gelöscht, oder das Ereignis wird nicht mehr aufbewahrt.',
  },
  says: {
    running: (made: number, of: number | null) =>
      of === null
        ? `${deliveries(made)} bisher angelegt.`
        : `${formatNumber(made)} von ${deliveries(of)} bisher angelegt.`,
    paused: (made: number, of: number | null) =>
      `Pausiert nach ${of === null ? deliveries(made) : `${formatNumber(made)} von ${deliveries(of)}`}. Bis zum Fortsetzen wird nichts weiter angelegt.`,
    sending: (made: number, open: number) =>
      `Alle angelegt: ${deliveries(made)}. Davon ${open === 1 ? 'wird' : 'werden'} ${formatNumber(open)} noch gesendet.`,
    done: (made: number) =>
      made === 0
        ? 'Es war nichts mehr zu senden.'
        : made === 1
          ? 'Die eine Zustellung ist beendet.'
          : `Alle ${deliveries(made)} sind beendet.`,
    cancelling: (open: number) => `Abgebrochen. Noch abzubrechen: ${deliveries(open)}.`,
    cancelled: (made: number) =>
      made === 0 ? 'Abgebrochen, bevor etwas gesendet wurde.' : `Abgebrochen nach ${deliveries(made)}.`,
    took: (took: string) => `Das dauerte ${took}.`,
  },
  facts: {
    selection: 'Ausgang bisher',
    types: 'Ereignistypen',
    endpoint: 'Endpunkt',
    event: 'Ereignis',
    period: 'Veröffentlicht',
    key: 'Schlüssel',
    created: 'Gestartet',
    ended: 'Alle angelegt',
    endedCancelled: 'Abgebrochen',
  },
  everyType: 'Alle Typen',
  allEndpoints: 'Alle Endpunkte',
  selection: 'Auswahl',
  notFound: 'Dieses Replay gibt es hier nicht. Vielleicht wird es nicht mehr aufbewahrt.',

  pause: 'Anhalten',
  resume: 'Fortsetzen',
  cancel: 'Replay abbrechen',
  paused: 'Angehalten. Schon angelegte Zustellungen werden noch gesendet.',
  resumed: 'Fortgesetzt.',
  cancelKeep: 'Replay behalten',
  cancelTitle: 'Dieses Replay abbrechen?',
  cancelText: (left: number | null, open: number) =>
    [
      left === null ? 'Nichts weiter wird angelegt.' : left > 0 ? `Nicht mehr angelegt: ${deliveries(left)}.` : '',
      open > 0 ? `Abgebrochen, weil ausstehend oder angehalten: ${deliveries(open)}.` : '',
      'Das lässt sich nicht rückgängig machen.',
    ]
      .filter(Boolean)
      .join(' '),
  cancelAction: (open: number) => (open === 0 ? 'Replay abbrechen' : `${deliveries(open)} abbrechen`),
  cancelled: 'Das Replay ist abgebrochen.',

  make: {
    note: 'Ereignisse werden als neue Zustellungen mit derselben webhook-id gesendet: Empfänger, die IDs prüfen, überspringen, was sie schon haben. Neue Ereignisse gehen vor.',
    endpoint: 'Endpunkt',
    everyEndpoint: 'Alle Endpunkte',
    types: 'Ereignistypen',
    everyType: 'Alle Typen',
    chooseTypes: 'Typen auswählen',
    period: 'Veröffentlicht',
    outcome: 'Deren Zustellung',
    outcomes: {
      exhausted: 'aufgegeben wurde: jeder Versuch ist gescheitert',
      cancelled: 'abgebrochen wurde',
      delivered: 'angekommen ist: Empfänger bekommen sie noch einmal',
    },
    missing: 'nie angelegt wurde: Der Endpunkt kam später oder wollte sie nicht, und will sie jetzt',
    outcomeNeeded: 'Wählen Sie mindestens eines.',
    key: 'Schlüssel',
    keyHelp: 'Freiwillig. Ein eigener Name, etwa ausfall-3-mai: Dasselbe Replay kann nicht zweimal gestartet werden.',
    count: 'Würde senden',
    counting: 'Wird gezählt …',
    tooMany: 'Mehr, als sich vorab zählen lässt. Das Replay sagt am Ende, wie viele es waren.',
    none: 'Nichts passt: Es gibt nichts zu senden.',
    pace: 'Sie werden nach und nach angelegt. Auf der nächsten Seite können Sie anhalten und abbrechen.',
    action: (n: number | null) => (n === null ? 'Alle erneut senden' : `${deliveries(n)} erneut senden`),
    actionNone: 'Replay starten',
    pending:
      'Ereignisse mit einer ausstehenden oder angehaltenen Zustellung bleiben außen vor: Die wird noch gesendet.',
    duplicate: 'Dieses Replay war schon gestartet.',
  },
}
