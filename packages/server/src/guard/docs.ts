import { REFUSED_RANGES } from './address.ts'
import { EMBEDDING_FORMS } from './embedded.ts'

/** Generates docs/refused-addresses.md from the table that the guard uses. */
export function refusedAddressesDocs(): string {
  const rows = REFUSED_RANGES.map(({ range, name, source }) => `| \`${range}\` | ${name} | ${source} |`)
  const forms = EMBEDDING_FORMS.map(({ range, name, source, places, isInverted }) => {
    const bytes = `${places.join(', ')}${isInverted ? ' (inverted)' : ''}`
    return `| \`${range}\` | ${name} | ${bytes} | ${source} |`
  })
  return `# Refused addresses

This page is for operators, and for anyone whose endpoint was refused. It lists the addresses that receive no webhooks.

Deliveries only go to public unicast addresses (C3). Posthorn refuses the special-purpose ranges of IANA's registries
(as of 2025-10-09), multicast, and all of IPv6 outside 2000::/3. This applies to an address in a URL, in any notation;
to every address that a name resolves to (a single refused one refuses the name); and again to the address of the
connected socket, before anything is sent. If ranges overlap, the narrowest one gives the reason.

You can open a network of your own with \`--allow-target 10.2.0.0/16\`. It is then open as a whole, even if it is in one
of these ranges, but it never opens what is [embedded](#embedded-ipv4-addresses) in its addresses.

| range | purpose | source |
| --- | --- | --- |
${rows.join('\n')}

## Embedded IPv4 addresses

Some IPv6 addresses carry an IPv4 address, and a translator or a tunnel can take a request there. So such an address is
only open if it is open itself *and* the IPv4 address in it is, judged as if it had been given itself: public, or in a
network that you have opened. If an address can be read in several ways, each reading must be open.

**NAT64.** In a network that has only IPv6, names of IPv4 hosts resolve to addresses behind a translator. Addresses in
\`64:ff9b::/96\` are open if the IPv4 address in them is: \`[64:ff9b::8.8.8.8]\` is, \`[64:ff9b::10.0.0.1]\` is not. If your
translator has another prefix, set it: \`--nat64-prefix 2001:db8:64::/96\`. It can have any length of RFC 6052 and need not
be public, and the rule is the same. Without this setting, Posthorn can't tell addresses behind your translator from
others: a prefix from your public addresses is open, and so is a private one that you have opened.

| range | form | bytes of the IPv4 address, from 0 | source |
| --- | --- | --- | --- |
${forms.join('\n')}
| a prefix in \`nat64Prefix\` | NAT64 of its length | as RFC 6052 says for its length | RFC 6052 §2.2 |
| any, if bytes 8 to 11 are \`0000:5efe\` or \`0200:5efe\` | ISATAP | 12, 13, 14, 15 | RFC 5214 §6.1 |

A prefix in \`64:ff9b:1::/48\` is only usable with \`nat64Prefix\`, which says how long it is: otherwise an address there must
be open in all four readings.

## Next

[Configuration](configuration.md) lists \`allowTarget\` and all other settings.
`
}
