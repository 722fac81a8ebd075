import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CONTRACT_PORTS } from '../../src/guard/ports.ts'
import { addressRefusal } from '../../src/guard/refusal.ts'
import { checkTargetUrl, MAX_URL_LENGTH, type TargetPolicy, type TargetRefusal } from '../../src/guard/target.ts'

const STRICT: TargetPolicy = { dev: false, targetPorts: CONTRACT_PORTS, allowTarget: [] }

function reasonOf(text: string): TargetRefusal | 'accepted' {
  const result = checkTargetUrl(text, STRICT)
  return result.ok ? 'accepted' : result.reason
}

const LONG_LABEL = 'a'.repeat(64)
const LONG_NAME = `${'a.'.repeat(126)}com`

/** URLs that are refused outside development mode, by reason. */
const REFUSED: Record<TargetRefusal, readonly string[]> = {
  too_long: [
    `https://example.com/${'a'.repeat(MAX_URL_LENGTH)}`,
    `https://example.com/${'a'.repeat(MAX_URL_LENGTH - 19)}`,
    // Short enough as written, but too long as sent.
    `https://example.com/${'é'.repeat(400)}`,
  ],
  bad_character: [
    ' https://example.com/',
    'https://example.com/ ',
    'https://www example.com/a',
    'https://example.com /a',
    'https://example.com\\/a',
    '\nhttps://example.com/',
    'https://exa\tmple.com/',
    'https://exa\nmple.com/',
    'https://example.com/\r\nX: 1',
    'ht\ntps://example.com/',
    'https:\\\\example.com/',
    'https://example.com\\@127.0.0.1/',
    'https:/\\127.0.0.1/',
    'https://example.com/\0',
    'https://example.com/\x7f',
    'https://example.com/\u0085',
    'https://\u00a0example.com/',
    'https://exam\u00adple.com/',
    'https://exam\u200bple.com/',
    'https://\ufeffexample.com/',
    'https://example.com/\u2028',
    'https://\u202eexample.com/',
    'https://example.com/\u3000',
    'https://example.com/\ud800',
  ],
  not_absolute: [
    '',
    '/',
    '/hook',
    '//example.com/hook',
    'example.com/hook',
    'www.example.com',
    '?a',
    '#a',
    '://example.com',
    'https:example.com',
    'https:/example.com',
    'https:',
    'https:/',
    '127.0.0.1',
    '[::1]',
    '1https://example.com/',
  ],
  scheme: [
    'http://example.com/',
    'HTTP://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'gopher://example.com/',
    'ws://example.com/',
    'wss://example.com/',
    'data:text/plain,a',
    'javascript:alert(1)',
    'unix:/run/docker.sock',
    'http://127.0.0.1/',
    'example.com:443/hook',
    'localhost:8080',
    'httpss://example.com/',
    'blob:https://example.com/',
  ],
  user_info: [
    'https://user@example.com/',
    'https://user:pass@example.com/',
    'https://@example.com/',
    'https://:@example.com/',
    'https://example.com@127.0.0.1/',
    'https://example.com:443@127.0.0.1/',
    'https://a@b@example.com/',
    'https://:a@example.com/',
    'https://user%40example.com@10.0.0.1/',
    'https://@/',
  ],
  no_host: ['https://', 'https:///', 'https:///example.com/', 'https://?a', 'https://:443/', 'https:////example.com'],
  host_malformed: [
    'https://example..com/',
    'https://.example.com/',
    'https://example.com./',
    'https://example.com../',
    'https://./',
    `https://${LONG_LABEL}.com/`,
    `https://${LONG_NAME}a/`,
    'https://-a.example.com/',
    'https://a-.example.com/',
    'https://exam%ple.com/',
    'https://ex%00ample.com/',
    'https://example.com%2fa/',
    'https://a%40b.com/',
    'https://exa<mple.com/',
    'https://exa^mple.com/',
    'https://exa!mple.com/',
    "https://exa'mple.com/",
    'https://a,b.com/',
    'https://*.example.com/',
    'https://a$b.com/',
    'https://a%20b.com/',
    'https://a%0ab.com/',
    'https://%zz.com/',
    'https://256.256.256.256/',
    'https://1.2.3.4.5/',
    'https://0x100000000/',
    'https://8.8.8.08/',
    'https://a.1/',
    'https://::1/',
    'https://2606:4700::1111/',
    'https://[::1/',
    'https://::1]/',
    'https://[::1]a/',
    'https://[]/',
    'https://[fe80::1%25eth0]/',
    'https://[fe80::1%eth0]/',
    'https://[2606:4700::1%251]/',
    'https://[v1.a]/',
    'https://[127.0.0.1]/',
    'https://[2606::g]/',
    'https://[example.com]/',
    'https://[[::1]]/',
    'https://a:443:443/',
    // Public addresses, but other parsers read the same text as other addresses.
    'https://134744072/',
    'https://0x08080808/',
    'https://010.8.8.8/',
    'https://8.8.2056/',
    'https://8.8.8.8./',
    'https://%38.8.8.8/',
    'https://８.8.8.8/',
    'https://8。8。8。8/',
    'https://0X8.8.8.8/',
  ],
  host_special_use: [
    'https://localhost/',
    'https://LOCALHOST/',
    'https://localhost./',
    'https://a.localhost/',
    'https://%6cocalhost/',
    'https://ｌocalhost/',
    'https://printer.local/',
    'https://local/',
    'https://vault.internal/',
    'https://internal./',
    'https://metadata.google.internal/',
    'https://METADATA.GOOGLE.INTERNAL./',
    'https://nas.home.arpa/',
    'https://arpa/',
    'https://home.arpa/',
    'https://1.0.0.127.in-addr.arpa/',
    'https://ipv4only.arpa/',
    'https://resolver.arpa/',
    'https://facebookcorewwwi.onion/',
    'https://a.test/',
    'https://a.invalid/',
    'https://a.example/',
    'https://a.alt/',
    'https://router.lan/',
    'https://a.corp/',
    'https://a.home/',
    'https://wiki.intranet/',
    'https://a.private/',
    'https://vault。internal/',
    'https://a.ⓛocal/',
    'https://kubernetes.default.svc.cluster.local/',
  ],
  host_single_label: [
    'https://intranet1/',
    'https://db/',
    'https://com/',
    'https://a/',
    'https://xn--bcher-kva/',
    'https://ä/',
  ],
  address_not_public: [
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://0x7F.0x0.0x0.0x1/',
    'https://127.0.0.1./',
    'https://0/',
    'https://0.0.0.0/',
    'https://%31%32%37.0.0.1/',
    'https://127%2e0%2e0%2e1/',
    'https://①②⑦.0.0.1/',
    'https://0x/',
    'https://127。0。0。1/',
    'https://127．0．0．1/',
    'https://１２７.0.0.1/',
    'https://10.0.0.1/',
    'https://10.1/',
    'https://169.254.169.254/',
    'https://2852039166/',
    'https://0xA9FEA9FE/',
    'https://0251.0376.0251.0376/',
    'https://169.254.43518/',
    'https://192.168.1.1/',
    'https://172.16.0.1/',
    'https://100.100.100.200/',
    'https://198.18.0.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://4294967295/',
    'https://192.0.0.192/',
    'https://[::1]/',
    'https://[::]/',
    'https://[0:0:0:0:0:0:0:1]/',
    'https://[::127.0.0.1]/',
    'https://[::7f00:1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[::ffff:8.8.8.8]/',
    'https://[::8.8.8.8]/',
    'https://[64:ff9b::127.0.0.1]/',
    'https://[64:ff9b::10.0.0.1]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[64:ff9b::1:808:808]/',
    'https://[2606:4700::5efe:a00:1]/',
    'https://[2606:4700::200:5efe:10.0.0.1]/',
    'https://[64:ff9b:1::a00:1]/',
    'https://[100::1]/',
    'https://[2002:7f00:1::]/',
    'https://[2002:808:808::1]/',
    'https://[2001:0:808:808::1]/',
    'https://[fc00::1]/',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1]/',
    'https://[fec0::1]/',
    'https://[ff02::1]/',
    'https://[2001:db8::1]/',
    'https://[100:0:0:1::1]/',
    'https://[5f00::1]/',
    'https://[3fff::1]/',
    'https://[4000::1]/',
    'https://[::ffff:0:7f00:1]/',
  ],
  port: [
    'https://example.com:80/',
    'https://example.com:22/',
    'https://example.com:25/',
    'https://example.com:442/',
    'https://example.com:444/',
    'https://example.com:1023/',
    'https://example.com:0/',
    'https://example.com:65536/',
    'https://example.com:99999/',
    'https://example.com:/',
    'https://example.com:0443/',
    'https://example.com:+443/',
    'https://example.com:-1/',
    'https://example.com:https/',
    'https://example.com:443a/',
    'https://example.com:4٤3/',
    'https://8.8.8.8:53/',
    'https://[2606:4700::1111]:22/',
    'https://example.com:8443%30/',
  ],
  fragment: ['https://example.com/#', 'https://example.com/a#b', 'https://example.com#127.0.0.1/'],
}

const ACCEPTED: readonly [text: string, href: string, host: string, port: number, literal?: string][] = [
  ['https://example.com', 'https://example.com/', 'example.com', 443],
  ['https://example.com/hook', 'https://example.com/hook', 'example.com', 443],
  ['HTTPS://EXAMPLE.COM/Hook', 'https://example.com/Hook', 'example.com', 443],
  ['https://example.org:443/', 'https://example.org/', 'example.org', 443],
  ['https://www.example.net:1024/', 'https://www.example.net:1024/', 'www.example.net', 1024],
  ['https://example.com:65535/a?b=c&d', 'https://example.com:65535/a?b=c&d', 'example.com', 65535],
  ['https://example.com?a=@b', 'https://example.com/?a=@b', 'example.com', 443],
  ['https://example.com/@a:b', 'https://example.com/@a:b', 'example.com', 443],
  ['https://example.com/%0d%0aX:%201', 'https://example.com/%0d%0aX:%201', 'example.com', 443],
  ['https://example.com//a//b', 'https://example.com//a//b', 'example.com', 443],
  ['https://example.com/a b', 'https://example.com/a%20b', 'example.com', 443],
  ['https://example.com/\\@127.0.0.1/', 'https://example.com/%5C@127.0.0.1/', 'example.com', 443],
  ['https://example.com/\\\\127.0.0.1/..', 'https://example.com/%5C%5C127.0.0.1/..', 'example.com', 443],
  ['https://example.com?\\@127.0.0.1', 'https://example.com/?%5C@127.0.0.1', 'example.com', 443],
  ['https://example.com/é', 'https://example.com/%C3%A9', 'example.com', 443],
  ['https://bücher.example.com/', 'https://xn--bcher-kva.example.com/', 'xn--bcher-kva.example.com', 443],
  ['https://xn--bcher-kva.example.com/', 'https://xn--bcher-kva.example.com/', 'xn--bcher-kva.example.com', 443],
  ['https://ex%61mple.com/', 'https://example.com/', 'example.com', 443],
  ['https://my_app.example.com/', 'https://my_app.example.com/', 'my_app.example.com', 443],
  ['https://1.example.com/', 'https://1.example.com/', '1.example.com', 443],
  ['https://127.0.0.1.example.com/', 'https://127.0.0.1.example.com/', '127.0.0.1.example.com', 443],
  ['https://localhost.example.com/', 'https://localhost.example.com/', 'localhost.example.com', 443],
  ['https://notlocalhost.com/', 'https://notlocalhost.com/', 'notlocalhost.com', 443],
  ['https://latest.io/', 'https://latest.io/', 'latest.io', 443],
  ['https://internal.example.com/', 'https://internal.example.com/', 'internal.example.com', 443],
  [`https://${LONG_LABEL.slice(1)}.com/`, `https://${LONG_LABEL.slice(1)}.com/`, `${LONG_LABEL.slice(1)}.com`, 443],
  [`https://${LONG_NAME.slice(2)}/`, `https://${LONG_NAME.slice(2)}/`, LONG_NAME.slice(2), 443],
  ['https://8.8.8.8/', 'https://8.8.8.8/', '8.8.8.8', 443, '8.8.8.8'],
  ['https://8.8.8.8:8443/', 'https://8.8.8.8:8443/', '8.8.8.8', 8443, '8.8.8.8'],
  ['https://[2606:4700:0:0::1111]/', 'https://[2606:4700::1111]/', '2606:4700::1111', 443, '2606:4700::1111'],
  ['https://[64:ff9b::8.8.8.8]/', 'https://[64:ff9b::808:808]/', '64:ff9b::808:808', 443, '64:ff9b::808:808'],
  ['https://[2A00::1.2.3.4]:8443/', 'https://[2a00::102:304]:8443/', '2a00::102:304', 8443, '2a00::102:304'],
]

describe('checkTargetUrl', () => {
  const cases = Object.entries(REFUSED).flatMap(([reason, texts]) => texts.map(text => ({ reason, text })))

  it.each(cases)('C3: refuses $text as $reason', ({ reason, text }) => {
    expect(reasonOf(text)).toBe(reason)
  })

  it('C3: says in one sentence what to do', () => {
    expect(cases.length).toBeGreaterThan(200)
    for (const { text } of cases) {
      const result = checkTargetUrl(text, STRICT)
      expect(result.ok ? '' : result.detail).toMatch(/^(Use|Write|Give|Name|Remove|Correct) .*\.$/)
    }
  })

  it('C3: reports a dot at the end of a host name', () => {
    expect(checkTargetUrl('https://example.com./', STRICT)).toMatchObject({ detail: expect.stringContaining('dot') })
  })

  it('C3: never repeats refused user info', () => {
    const result = checkTargetUrl('https://user:hunter2@example.com/', STRICT)
    expect(JSON.stringify(result)).not.toContain('hunter2')
  })

  it.each(ACCEPTED)('C3: accepts %s', (text, href, host, port, literal) => {
    const result = checkTargetUrl(text, STRICT)
    expect(result).toMatchObject({ ok: true, host, port, literal })
    expect(result.ok && result.url).toBe(href)
  })

  it('C3: accepts URLs of 2,048 characters and host names of 253', () => {
    expect(reasonOf(`https://example.com/${'a'.repeat(MAX_URL_LENGTH - 20)}`)).toBe('accepted')
    const name = `${'a'.repeat(61)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(63)}`
    expect(name).toHaveLength(253)
    expect(reasonOf(`https://${name}/`)).toBe('accepted')
    expect(reasonOf(`https://a${name}/`)).toBe('host_malformed')
  })

  it('C3: holds for every accepted URL', () => {
    const alphabet = fc.constantFrom(...'https://:@[].%#?\\ \t0127xfaA-ü。１%2e')
    const tail = fc.array(alphabet, { maxLength: 24 }).map(characters => characters.join(''))
    const text = fc.oneof(
      tail,
      tail.map(rest => `https://${rest}`),
      fc.webUrl(),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(text, written => {
        const result = checkTargetUrl(written, STRICT)
        if (!result.ok) return
        const url = new URL(result.url)
        expect(url.protocol).toBe('https:')
        expect(url.username + url.password + url.hash).toBe('')
        // Whatever parser the sender has, it finds the host that was checked.
        expect(url.hostname.replace(/^\[|\]$/g, '')).toBe(result.host)
        expect(result.host).toContain(result.literal?.includes(':') ? ':' : '.')
        if (result.literal !== undefined) expect(addressRefusal(result.literal)).toBeUndefined()
        // An accepted URL is a fixed point: checking it again gives the same target.
        expect(checkTargetUrl(result.url, STRICT)).toMatchObject({
          ok: true,
          host: result.host,
          port: result.port,
          url: result.url,
          encoded: [],
        })
      }),
      { numRuns: 5_000 },
    )
  })
})
