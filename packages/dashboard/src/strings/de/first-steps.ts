import { formatNumber } from '../../lib/format.ts'

export const firstSteps = {
  title: 'Erste Schritte',
  lead: 'Vom Nichts zu Webhooks, die ankommen. Abgehakt wird, was wirklich geschehen ist.',
  begin: 'Mit den ersten Schritten beginnen',
  done: 'Erledigt',
  progress: (done: number, of: number) => `${formatNumber(done)} von ${formatNumber(of)} erledigt`,
  ask: 'Ihr Link erlaubt das nicht. Bitten Sie Ihren Anbieter um einen, der es erlaubt.',
  register: {
    title: 'Endpunkt registrieren',
    text: 'Die URL, an die Ihre Webhooks gesendet werden, und welche Ereignisse Sie wollen.',
    noServer: 'Sie haben noch keinen Server? Beginnen Sie mit dem nächsten Schritt.',
    action: 'Endpunkt registrieren',
    another: 'Weiteren registrieren',
  },
  receive: {
    title: 'Ereignis empfangen',
    text: 'Sehen Sie, was ankommt: Methode, Header und Inhalt, wie Ihr Server sie bekommen wird.',
    here: 'Ihr Browser kann empfangen, ohne Server: Diese Seite zeigt jede Anfrage, sobald sie ankommt, und antwortet mit 200.',
    opened:
      'Um im Browser zu empfangen, brauchen Sie Zugriff auf Inhalte und Endpunkte. Bitten Sie Ihren Anbieter darum.',
  },
  verify: {
    title: 'Prüfen',
    text: 'Code, der Token und Signatur jeder Anfrage prüft. Erledigt ist das, wenn Ihr eigener Empfänger mit 2xx geantwortet hat.',
    onlyYou:
      'Ob er wirklich prüft, sehen nur Sie: Rufen Sie ihn mit einem falschen Secret auf, dann muss er mit 401 antworten.',
    type: 'Ereignistyp',
    token: 'Bearer-Token (clientSecret)',
    signing: 'Signatur-Secret',
    notWhole: 'Ein Signatur-Secret beginnt mit whsec_. Kopieren Sie es ganz.',
    secretHelp:
      'Einmal hier einfügen: Es wird unten in die Befehle eingesetzt, bleibt auf dieser Seite und wird nirgendwohin gesendet.',
    noTypes: 'Es gibt noch keine Ereignistypen.',
  },
  live: {
    title: 'In Betrieb gehen',
    text: 'Was stimmen muss, bevor echte Ereignisse davon abhängen.',
    none: 'Noch ist kein Endpunkt mit einer URL registriert.',
    responds: 'Antwortet rechtzeitig mit 2xx',
    respondsIn: (seconds: string) =>
      `Ihr Empfänger hat ${seconds} s. Speichern Sie das Ereignis, antworten Sie, und arbeiten Sie danach. Alles andere wird später erneut gesendet.`,
    limits: (shortest: string, longest: string) => `${shortest} bis ${longest}`,
    ids: 'Behält jede ID einmal',
    idsText:
      'Ein Ereignis kann mehrmals ankommen, immer mit derselben webhook-id. Merken Sie sich die IDs, die Sie verarbeitet haben.',
    addresses: 'Lässt unsere Adressen ein',
    addressesText: 'Wenn Ihre Firewall nur bekannte Adressen einlässt, erlauben Sie diese.',
    noAddresses: 'Ihr Anbieter hat nicht angegeben, von welchen Adressen Anfragen kommen.',
    copy: 'Adressen kopieren',
    secret: 'Weiß, wann sein Secret abläuft',
    secretNever: 'Kein Secret, das jetzt benutzt wird, läuft ab.',
    secretExpires: 'Ersetzen vor:',
    secretExpired: 'Abgelaufen:',
    real: 'Empfängt ein echtes Ereignis',
    realText: 'Das erste Ereignis, das kein Test ist und bei Ihrem Empfänger ankam.',
    state: { good: 'Erledigt', open: 'Noch nicht', known: 'Prüfen Sie selbst', bad: 'Zu beheben' },
  },
}
