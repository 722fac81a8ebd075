/** Icons of 16 px, drawn with the text's colour. They say nothing to screen readers: the words next to them do. */
const paths = {
  check: 'M3.5 8.5l3 3 6-7',
  cross: 'M4 4l8 8M12 4l-8 8',
  clock: 'M8 4.5V8l2.3 1.5M14 8A6 6 0 112 8a6 6 0 0112 0z',
  retry: 'M13 3v3.2H9.8M3 13V9.8h3.2M12.6 6.2A5 5 0 004 5M3.4 9.8A5 5 0 0012 11',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.5v9l7.5-4.5z',
  minus: 'M4 8h8',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  search: 'M7 12A5 5 0 107 2a5 5 0 000 10zM10.6 10.6L14 14',
  down: 'M4 6l4 4 4-4',
  up: 'M4 10l4-4 4 4',
  left: 'M10 4L6 8l4 4',
  right: 'M6 4l4 4-4 4',
  plus: 'M8 3.5v9M3.5 8h9',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  warning: 'M8 6v3M8 11.3v.01M8 2.2L14.3 13H1.7z',
  info: 'M8 7.5V11M8 5v.01M14 8A6 6 0 112 8a6 6 0 0112 0z',
  link: 'M9 3h4v4M13 3L7.5 8.5M11.5 9.5V13H3V4.5h3.5',
  overview: 'M2.5 13.5v-5M6.2 13.5v-9M9.8 13.5v-6M13.5 13.5v-11',
  deliveries: 'M2 8h9M8 4.5L11.5 8 8 11.5M14 3v10',
  events: 'M2.5 4h11M2.5 8h11M2.5 12h6',
  endpoints: 'M10 8a2 2 0 11-4 0 2 2 0 014 0zM3.8 12.2a6 6 0 010-8.4M12.2 3.8a6 6 0 010 8.4',
  types: 'M6 2.5c-2.5 0-1 4.5-3.5 5.5 2.5 1 1 5.5 3.5 5.5M10 2.5c2.5 0 1 4.5 3.5 5.5-2.5 1-1 5.5-3.5 5.5',
  replays: 'M13.5 8A5.5 5.5 0 113 5.7M2.5 2.5v3.3h3.3M8 5v3.2l2 1.3',
  tenants:
    'M6 7.5a2.3 2.3 0 100-4.6 2.3 2.3 0 000 4.6zM1.8 13.2c0-2.4 1.8-3.9 4.2-3.9s4.2 1.5 4.2 3.9M10.7 3.1a2.3 2.3 0 010 4.2M12 9.6c1.4.5 2.3 1.8 2.3 3.6',
  operate:
    'M2.5 5h6M12 5h1.5M2.5 11h1.5M7.5 11h6M10.2 6.8a1.8 1.8 0 100-3.6 1.8 1.8 0 000 3.6zM5.8 12.8a1.8 1.8 0 100-3.6 1.8 1.8 0 000 3.6z',
  sun: 'M8 10.8a2.8 2.8 0 100-5.6 2.8 2.8 0 000 5.6zM8 1.5V3M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1',
  moon: 'M13.5 9.5A5.8 5.8 0 016.5 2.5a5.8 5.8 0 107 7z',
  key: 'M10.5 9a3.5 3.5 0 10-3.3-2.3L2.5 11.4V13.5H5V12h1.5v-1.5L8 9',
  filter: 'M2 3.5h12M4.5 8h7M6.8 12.5h2.4',
  terminal: 'M2.5 3h11v10h-11zM5 6l2 2-2 2M8.5 10.5H11',
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 10a2 2 0 100-4 2 2 0 000 4z',
  eyeOff:
    'M6.3 3.8A6.6 6.6 0 018 3.5c4 0 6.5 4.5 6.5 4.5a11 11 0 01-1.9 2.4M4.1 4.9A11 11 0 001.5 8S4 12.5 8 12.5a6.5 6.5 0 003-.8M2.5 2.5l11 11',
  trash: 'M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.5 9h6l.5-9',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 2.2 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  )
}
