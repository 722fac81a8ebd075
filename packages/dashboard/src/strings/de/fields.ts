import { formatNumber } from '../../lib/format.ts'

export const payload = {
  field: 'Feld',
  text: 'Text',
  textHelp: 'Ein Text im Inhalt, in Groß- und Kleinschreibung wie geschrieben',
  path: 'Feld des Inhalts',
  pathHelp: 'Innere Felder nach einem Punkt: cover.status. Listen werden auch durchsucht.',
  value: 'Ist',
  valueHelp: 'Eines von mehreren nach Kommas: Quoted, Refused',
  filter: 'Filter',
  filterHelp: 'In der Sprache der Filter von Endpunkten: {"amount": {"$gte": 100}}',
  notJson: 'Das ist kein JSON.',
  asJson: 'Als JSON',
  asField: 'Als Feld',
}

export const secrets = {
  label: 'Secret',
  help: 'Wird als „Authorization: Bearer …“ gesendet, genau wie hier geschrieben. Es wird verschlüsselt gespeichert und nie wieder gezeigt.',
  show: 'Secret zeigen',
  hide: 'Secret verbergen',
  generate: 'Erzeugen',
  generated: 'Kopieren Sie es jetzt: Nach dem Speichern wird es nie wieder gezeigt.',
  copyWhat: 'das Secret',
  faults: {
    empty: () => 'Geben Sie ein Secret ein, oder erzeugen Sie eines.',
    bearer: () => 'Entfernen Sie das Wort „Bearer“ und das Leerzeichen dahinter: Beides wird beim Senden hinzugefügt.',
    character: (position: number) =>
      `Das Zeichen ${position + 1} ist nicht erlaubt: Verwenden Sie Buchstaben, Ziffern und - . _ ~ + /, und = nur am Ende.`,
    too_long: (position: number) => `Verwenden Sie höchstens ${formatNumber(position)} Zeichen.`,
  },
  token: {
    isOne: 'Ein Token (JWT)',
    expires: 'läuft ab',
    expired: 'abgelaufen',
    never: 'läuft nie ab',
    issued: 'ausgestellt',
  },
  advice: {
    secret_for_several_types: 'Es gilt für mehrere Ereignistypen. Besser: je Typ ein Endpunkt mit eigenem Secret.',
    secret_short: 'Es hat weniger als 16 Zeichen. Besser: ein längeres, zufälliges.',
    token_expired: 'Es ist abgelaufen, der Empfänger wird jede Anfrage ablehnen. Stellen Sie ein neues aus.',
    token_expires_soon:
      'Es läuft binnen 30 Tagen ab. Stellen Sie eines aus, das länger gilt, oder planen Sie jetzt den Ersatz.',
    token_expires_within_six_months_of_issue:
      'Es gilt weniger als sechs Monate. Besser: ein Token, das höchstens alle sechs Monate neu ausgestellt werden muss.',
    token_carries_access:
      'Es gewährt Zugriff auf mehr als den Webhook, und die Seite des Empfängers sieht es. Besser: ein Token mit so wenig Zugriff wie möglich.',
  },
  accessBy: (claims: string) => `Claims: ${claims}`,
}

export const typesField = {
  label: 'Ereignistypen',
  all: 'Alle Typen',
  chosen: 'Ausgewählte Typen',
  allHelp: 'Jeder Typ im Katalog, auch die, die später hinzukommen.',
  find: 'Typ suchen, oder ein Muster schreiben, etwa COVER_*',
  add: (pattern: string) => `Muster „${pattern}“ hinzufügen`,
  patterns: 'Muster',
  fits: (n: number) => (n === 1 ? 'passt auf 1 Typ' : `passt auf ${formatNumber(n)} Typen`),
  fitsNothing: 'passt jetzt auf keinen Typ',
  archived: 'archiviert',
  noGroup: 'Ohne Gruppe',
  count: (n: number) => (n === 0 ? 'Noch keiner ausgewählt.' : `${formatNumber(n)} ausgewählt.`),
  nothing: 'Kein Typ hat das im Namen.',
}

export const urlField = {
  label: 'URL',
  help: 'Eine https-URL mit öffentlichem Host. Dorthin werden POST-Anfragen gesendet; Weiterleitungen wird nicht gefolgt.',
  checking: 'Wird geprüft …',
  fine: 'An diese URL kann gesendet werden.',
}

/** What went wrong with a call. The server's own sentences are English. */
export const failures = {
  tooOld: 'Dieser Server ist älter als die Seite und kann das noch nicht.',
  away: 'Der Server antwortet nicht.',
  other: (status: string) => `Etwas anderes als der erwartete Server hat geantwortet (Status ${status}).`,
}
