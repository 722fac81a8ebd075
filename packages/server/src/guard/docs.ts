import { REFUSED_RANGES } from './address.ts'

/** Generates docs/refused-addresses.md from the table that the guard uses. */
export function refusedAddressesDocs(): string {
  const rows = REFUSED_RANGES.map(({ range, name, source }) => `| \`${range}\` | ${name} | ${source} |`)
  return `# Refused addresses

This page is for operators, and for anyone whose endpoint was refused. It lists the addresses that receive no webhooks.

Deliveries only go to public unicast addresses (C3). Posthorn refuses the special-purpose ranges of IANA's registries
(as of 2025-10-09), multicast, and all of IPv6 outside 2000::/3. This applies to an address in a URL, in any notation;
to every address that a name resolves to (a single refused one refuses the name); and again to the address of the
connected socket, before anything is sent. If ranges overlap, the narrowest one gives the reason.

You can open a network of your own with \`--allow-target 10.2.0.0/16\`. It is then open as a whole, even if it is in one
of these ranges.

| range | purpose | source |
| --- | --- | --- |
${rows.join('\n')}

## Next

[Configuration](configuration.md) lists \`allowTarget\` and all other settings.
`
}
