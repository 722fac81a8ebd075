/** Names and configurations for which Posthorn has to find what `getent ahosts` finds. */
import type { NameQuestion, NameReply } from '@posthorn/testkit'

export type NameCase = {
  readonly title: string
  readonly name: string
  /** Files in /etc; the others are as in `USUAL`. */
  readonly hosts?: string
  readonly resolvConf?: string
  readonly nsswitch?: string
  readonly gaiConf?: string
}

/** Where the test's name server is in the namespace. */
export const SERVER_ADDRESS = '127.0.53.53'
const SERVER = `nameserver ${SERVER_ADDRESS}\n`

export const USUAL = {
  hosts: '127.0.0.1 localhost\n::1 localhost ip6-localhost\n',
  resolvConf: SERVER,
  nsswitch: 'hosts: files dns\n',
  gaiConf: '',
}

/** The name server's zone, by the first label: the records of each name, whatever the domain. */
export function answerOf({ name, type, overTcp }: NameQuestion): NameReply {
  const isIpv4 = type === 'A'
  const records = (a: readonly string[], aaaa: readonly string[]) => ({
    records: isIpv4 ? a.map(each => ({ a: each })) : type === 'AAAA' ? aaaa.map(each => ({ aaaa: each })) : [],
  })
  const [label = ''] = name.split('.')
  if (label === 'four') return records(['192.0.2.10'], [])
  if (label === 'six') return records([], ['2001:db8:0:0:0:0:0:a'])
  if (label === 'both') return records(['192.0.2.10'], ['2001:db8:0:0:0:0:0:a'])
  if (label === 'many')
    return records(
      ['203.0.113.9', '192.0.2.10', '198.51.100.200', '10.1.1.1', '198.51.100.6', '127.0.0.9', '169.254.7.7'],
      [
        '2001:db8:9:0:0:0:0:1',
        'fd00:0:0:0:0:0:0:1',
        '2001:db8:5:0:0:0:0:77',
        '2002:c000:20a:0:0:0:0:1',
        'fe80:0:0:0:0:0:0:5',
        '2001:0:0:0:0:0:0:5',
        '0:0:0:0:0:0:0:1',
        '2001:db8:5:0:0:0:1:1',
      ],
    )
  if (label === 'large') {
    const a = Array.from({ length: 30 }, (_, index) => `192.0.2.${((index * 37) % 60) + 1}`)
    return records(a, [])
  }
  if (label === 'cut') return overTcp ? records(['192.0.2.77'], []) : 'truncated'
  if (label === 'chain') {
    const links = Array.from({ length: 6 }, (_, index) => ({
      name: index === 0 ? name : `link${index}.test`,
      cname: `link${index + 1}.test`,
    }))
    const end = { name: 'link6.test', ...(isIpv4 ? { a: '192.0.2.33' } : { aaaa: '2001:db8:0:0:0:0:0:33' }) }
    return { records: [...links, end] }
  }
  if (label === 'dangling') return { records: [{ cname: 'nothing.test' }], code: 'NXDOMAIN' }
  if (label === 'alias') return { records: [{ cname: 'nothing.test' }] }
  if (label === 'empty') return {}
  if (label === 'broken') return { code: 'SERVFAIL' }
  if (label === 'half') return isIpv4 ? records(['192.0.2.44'], []) : { code: 'SERVFAIL' }
  if (label === 'otherhalf') return isIpv4 ? { code: 'SERVFAIL' } : records([], ['2001:db8:0:0:0:0:0:44'])
  if (label === 'gone') return isIpv4 ? records(['192.0.2.45'], []) : { code: 'NXDOMAIN' }
  if (label === 'refusing') return { code: 'REFUSED' }
  if (label === 'searched') return name.endsWith('.two.test') ? records(['192.0.2.52'], []) : { code: 'NXDOMAIN' }
  if (label === 'first') return name.endsWith('.one.test') ? records(['192.0.2.51'], []) : records(['192.0.2.50'], [])
  if (label === 'partial') return name.endsWith('.one.test') ? {} : records(['192.0.2.53'], [])
  if (label === 'trouble') return name.endsWith('.one.test') ? { code: 'SERVFAIL' } : records(['192.0.2.54'], [])
  if (label === 'missing' && name.endsWith('.one.test')) return {}
  if (label === 'localhost') return records(['192.0.2.66'], [])
  return { code: 'NXDOMAIN' }
}

const SEARCHING = `${SERVER}search one.test two.test\n`
const HOSTS = [
  '127.0.0.1 localhost',
  '10.1.1.1 listed.test short # four.test',
  '10.1.1.2 Listed.TEST',
  '2001:db8::5 listed.test',
  '# 10.9.9.9 comment.test',
  '10.1.1.3\ttabs.test\tfour.test',
  '300.1.1.1 malformed.test',
  'malformed.test',
  '2001:db8::6 onlysix.test',
  '10.1.1.4 trailing.test.',
  '',
].join('\n')

const named = (names: readonly string[], over: Partial<NameCase> = {}): NameCase[] =>
  names.map(name => ({ title: name, name, ...over }))

const withTitle = (what: string, cases: readonly NameCase[]): NameCase[] =>
  cases.map(each => ({ ...each, title: `${what}: ${each.title}` }))

const DNS = ['four', 'six', 'both', 'many', 'large', 'cut', 'chain', 'dangling', 'alias', 'empty', 'broken']
const MORE = ['half', 'otherhalf', 'gone', 'absent', 'refusing']
const fromDns = [...DNS, ...MORE].map(label => `${label}.example.test`)
const searched = ['searched', 'first', 'partial', 'trouble', 'missing', 'absent', 'four', 'localhost']

export const CASES: readonly NameCase[] = [
  ...withTitle('DNS', named(fromDns)),
  ...withTitle('DNS', named(['FOUR.Example.Test', 'under_score.test', 'four.a-b.test'])),
  ...withTitle('hosts', named(['localhost', 'ip6-localhost', 'a.localhost'])),
  ...withTitle(
    'hosts',
    named(
      [
        'listed.test',
        'LISTED.test',
        'short',
        'four.test',
        'comment.test',
        'tabs.test',
        'malformed.test',
        'onlysix.test',
      ],
      { hosts: HOSTS },
    ),
  ),
  ...withTitle('hosts', named(['trailing.test', 'localhost'], { hosts: HOSTS })),
  ...withTitle('no hosts', named(['localhost', 'four.test'], { hosts: '' })),
  ...withTitle('search', named(searched, { resolvConf: SEARCHING })),
  ...withTitle(
    'search',
    named(
      searched.map(each => `${each}.more`),
      { resolvConf: SEARCHING },
    ),
  ),
  ...withTitle(
    'ndots:3',
    named(
      searched.map(each => `${each}.more`),
      { resolvConf: `${SEARCHING}options ndots:3\n` },
    ),
  ),
  ...withTitle('ndots:0', named(['first', 'searched'], { resolvConf: `${SEARCHING}options ndots:0\n` })),
  ...withTitle('last search', named(['searched'], { resolvConf: `${SERVER}search two.test\nsearch one.test\n` })),
  ...withTitle('domain', named(['searched'], { resolvConf: `${SERVER}search one.test\ndomain two.test\n` })),
  ...withTitle('root', named(['first', 'searched'], { resolvConf: `${SERVER}search . two.test\n` })),
  ...withTitle('comments', named(['searched'], { resolvConf: `; ${SEARCHING}# search x\n${SERVER}search two.test\n` })),
  ...withTitle('no-aaaa', named(['both.test', 'six.test'], { resolvConf: `${SERVER}options no-aaaa\n` })),
  ...withTitle(
    'second server',
    named(['four.test', 'absent.test'], { resolvConf: `nameserver 127.0.53.99\n${SERVER}` }),
  ),
  ...withTitle('files only', named(['four.test', 'localhost'], { nsswitch: 'hosts: files\n' })),
  ...withTitle('dns only', named(['localhost', 'listed.test'], { nsswitch: 'hosts:dns\n', hosts: HOSTS })),
  ...withTitle(
    'dns files',
    named(['localhost', 'listed.test', 'four.test'], { nsswitch: 'hosts: dns files # x\n', hosts: HOSTS }),
  ),
  ...withTitle('gai.conf', named(['both.test', 'many.test'], { gaiConf: 'precedence ::ffff:0:0/96 100\n' })),
  ...withTitle(
    'system',
    named(['four.test', 'both.test', 'listed.test', 'absent.test', 'localhost', 'many.test'], {
      nsswitch: 'hosts: files mdns4_minimal [NOTFOUND=return] dns myhostname\n',
      hosts: HOSTS,
    }),
  ),
  ...withTitle('no nsswitch', named(['localhost', 'listed.test', 'four.test'], { nsswitch: '', hosts: HOSTS })),
]
