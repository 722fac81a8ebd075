import { REFUSED_RANGES } from './address.ts'

/** docs/refused-addresses.md, made from the table that the guard goes by. */
export function refusedAddressesDocs(): string {
  const rows = REFUSED_RANGES.map(({ range, name, source }) => `| \`${range}\` | ${name} | ${source} |`)
  return `# Addresses that are refused

Deliveries go to public unicast addresses alone (C3). These are refused: the special-purpose ranges of IANA's registries
(state of 2025-10-09), multicast, and of IPv6 all outside 2000::/3. It holds for an address in a URL, in whatever notation,
for every answer of a name server (one bad one refuses the name), and once more for the address of the connected socket,
before anything is sent. A network of yours can be opened with \`--allow-target 10.2.0.0/16\`; then as a whole, also where
it is one of these. Where ranges overlap, the narrowest gives the reason.

| range | what it is for | source |
| --- | --- | --- |
${rows.join('\n')}
`
}
