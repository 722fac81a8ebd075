/** A DNS server (RFC 1035) over UDP and TCP, which answers as a function says. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

export type NameRecord = {
  /** Default: the name that was asked for. */
  readonly name?: string
  /** An IPv4 address, an IPv6 address in full (eight groups), or the name that the name stands for (CNAME). */
  readonly a?: string
  readonly aaaa?: string
  readonly cname?: string
  /** Seconds. Default: 60. */
  readonly ttl?: number
}

export type NameQuestion = { readonly name: string; readonly type: 'A' | 'AAAA' | 'other'; readonly overTcp: boolean }

/** `silent`: no response at all · `truncated`: none of the records, and the bit that says so · `garbage`: half a head. */
export type NameReply =
  | {
      readonly records?: readonly NameRecord[]
      /** Default: `NOERROR`. */
      readonly code?: 'NOERROR' | 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED'
    }
  | 'silent'
  | 'truncated'
  | 'garbage'

export type NameServer = {
  readonly port: number
  /** Every question so far, such as `A hooks.example.com`, with ` TCP` behind it if it came over TCP. */
  readonly questions: readonly string[]
  close(): Promise<void>
}

export type NameServerOptions = {
  readonly answer: (question: NameQuestion) => NameReply
  /** Default: 127.0.0.1. */
  readonly address?: string
  /** Default: any free port. */
  readonly port?: number
}

const CODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'] as const
const TYPES = { a: 1, cname: 5, aaaa: 28 }
const CLASS_IN = 1
const HEAD_BYTES = 12
/** What a response over UDP can have without EDNS (RFC 1035 §4.2.1). */
const MAX_UDP_BYTES = 512
/** Response, recursion desired and available. */
const FLAGS = 0x8180
const TRUNCATED = 0x0200

export async function startNameServer(options: NameServerOptions): Promise<NameServer> {
  const { address = '127.0.0.1', port = 0 } = options
  const questions: string[] = []
  const open = new Set<Socket>()
  const tcp: Server = createServer(socket => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    onMessages(socket, message => {
      const response = respond(message, true, options, questions)
      if (response !== undefined) socket.write(Buffer.concat([uint16(response.length), response]))
    })
  })
  tcp.listen(port, address)
  await once(tcp, 'listening')
  const own = (tcp.address() as AddressInfo).port
  const udp: UdpSocket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  udp.on('message', (message, from) => {
    const response = respond(message, false, options, questions)
    if (response !== undefined) udp.send(response, from.port, from.address)
  })
  udp.bind(own, address)
  await once(udp, 'listening')
  return {
    port: own,
    questions,
    async close() {
      udp.close()
      for (const socket of open) socket.destroy()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}

function onMessages(socket: Socket, then: (message: Buffer) => void): void {
  let pending = Buffer.alloc(0)
  socket.on('data', chunk => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0)
      then(pending.subarray(2, end))
      pending = pending.subarray(end)
    }
  })
}

function respond(
  message: Buffer,
  overTcp: boolean,
  { answer }: NameServerOptions,
  questions: string[],
): Buffer | undefined {
  const [name, end] = readName(message)
  const code = message.readUInt16BE(end)
  const type = code === TYPES.a ? 'A' : code === TYPES.aaaa ? 'AAAA' : 'other'
  questions.push(`${type} ${name}${overTcp ? ' TCP' : ''}`)
  const reply = answer({ name, type, overTcp })
  if (reply === 'silent') return undefined
  const question = message.subarray(HEAD_BYTES, end + 4)
  const id = message.subarray(0, 2)
  if (reply === 'garbage') return Buffer.concat([id, uint16(FLAGS), Buffer.alloc(2)])
  if (reply === 'truncated') return Buffer.concat([id, head(FLAGS | TRUNCATED, 0), question])
  const records = (reply.records ?? []).map(record => writeRecord(record, name))
  const flags = FLAGS | CODES.indexOf(reply.code ?? 'NOERROR')
  const whole = Buffer.concat([id, head(flags, records.length), question, ...records])
  if (overTcp || whole.length <= MAX_UDP_BYTES) return whole
  return Buffer.concat([id, head(flags | TRUNCATED, 0), question])
}

/** Everything of the head after the id: flags, one question, answers, no authorities, nothing additional. */
const head = (flags: number, answers: number): Buffer => Buffer.concat([flags, 1, answers, 0, 0].map(uint16))

/** The question's name in lower case, and where it ends. */
function readName(message: Buffer): [name: string, end: number] {
  const labels: string[] = []
  let at = HEAD_BYTES
  while (message[at] !== 0) {
    const length = message[at]!
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return [labels.join('.').toLowerCase(), at + 1]
}

function writeName(name: string): Buffer {
  const labels = name.split('.').filter(label => label !== '')
  return Buffer.concat([
    ...labels.map(label => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.of(0),
  ])
}

function writeRecord({ name, a, aaaa, cname, ttl = 60 }: NameRecord, asked: string): Buffer {
  const [type, data] =
    a !== undefined
      ? [TYPES.a, Buffer.from(a.split('.').map(Number))]
      : aaaa !== undefined
        ? [TYPES.aaaa, Buffer.concat(aaaa.split(':').map(group => uint16(Number.parseInt(group, 16))))]
        : [TYPES.cname, writeName(cname!)]
  const seconds = Buffer.alloc(4)
  seconds.writeUInt32BE(ttl)
  return Buffer.concat([writeName(name ?? asked), uint16(type), uint16(CLASS_IN), seconds, uint16(data.length), data])
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
