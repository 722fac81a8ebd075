import type { Dictionary, PartialTranslation } from '../translated.ts'

/** What the portal says in other words than the dashboard: its users have a link, and no API key. */
const words = {
  shell: { notAllowed: 'Your link does not allow this. Ask your provider for one that does.' },
  deliveries: { responseHidden: 'Your link does not show payloads and responses.' },
  events: { payloadHidden: 'Your link does not show payloads.' },
  register: {
    readOnly: 'Your link lets you look at everything, but not register endpoints. Ask your provider for one that does.',
    filter: { noPermission: 'Your link does not show payloads, so the filter can’t be tried on stored events.' },
  },
} satisfies Words

type Words = {
  readonly shell: PartialTranslation<typeof import('./shell.ts').shell>
  readonly deliveries: PartialTranslation<typeof import('./deliveries.ts').deliveries>
  readonly events: PartialTranslation<typeof import('./events.ts').events>
  readonly register: PartialTranslation<typeof import('./register.ts').register>
}

export const dictionary: Dictionary = words
