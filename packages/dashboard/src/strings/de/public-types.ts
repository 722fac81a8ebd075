import { count } from './common.ts'

export const publicTypes = {
  title: 'Ereignistypen',
  lead: 'Was Ihnen gesendet werden kann: jeder Typ mit Schema, Beispiel und Code, der ihn empfängt.',
  search: 'Name, Gruppe oder Beschreibung',
  count: (n: number) => count(n, 'Typ', 'Typen'),
  none: 'Es gibt noch keine Ereignistypen.',
  noMatch: 'Kein Typ passt.',
  clear: 'Alle zeigen',
  all: 'Alle Ereignistypen',
  help: 'Mehr zu lesen',
  missing: 'Es gibt keinen Ereignistyp mit diesem Namen',
  missingText: 'Vielleicht ist der Name falsch geschrieben, oder der Typ wird nicht mehr benutzt.',
  closed: 'Hier ist keine Seite',
  closedText:
    'Ereignistypen sind hier nicht öffentlich, oder die Adresse ist falsch geschrieben. Fragen Sie Ihren Anbieter, wo sie beschrieben sind.',
}
