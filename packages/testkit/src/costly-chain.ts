/** A receiver's certificates that take OpenSSL long to verify: a chain of RSA keys with 16,384 bits. */
import { createHash, generateKeyPairSync, generatePrimeSync, randomBytes } from 'node:crypto'
import type { Certificate } from './certificates.ts'

/** The largest that OpenSSL verifies with. */
const MODULUS_BYTES = 2_048
/** A key of as many small primes takes a moment to make and to sign with. Whether it is secure plays no role. */
const PRIMES = 64
/** With keys of that size OpenSSL takes exponents of up to 64 bits. */
const EXPONENT = 0xffff_ffff_ffff_ffc5n
const RSA_SHA256 = '2a864886f70d01010b'
const SHA256_PREFIX = '3031300d060960864801650304020105000420'

/**
 * Makes a certificate and the chain above it, which ends with an unknown authority. OpenSSL takes some six milliseconds for
 * each of them.
 *
 * @param length certificates; 22 exceed what OpenSSL takes in
 */
export function makeCostlyChain(length: number): Certificate {
  const rsa = makeKey()
  const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const leafKey = leaf.publicKey.export({ type: 'spki', format: 'der' })
  const certificates = Array.from({ length }, (_, nth) =>
    certificate(`costly ${nth}`, `costly ${nth + 1}`, nth === 0 ? leafKey : rsa.publicKey, nth > 0, rsa.sign),
  )
  const keyPem = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { certPem: certificates.map(toPem).join(''), keyPem }
}

function makeKey() {
  const primes: bigint[] = []
  while (primes.length < PRIMES) {
    const prime = generatePrimeSync((MODULUS_BYTES * 8) / PRIMES, { bigint: true })
    if ((prime - 1n) % EXPONENT !== 0n && !primes.includes(prime) && gcd(EXPONENT, prime - 1n) === 1n)
      primes.push(prime)
  }
  const modulus = primes.reduce((product, prime) => product * prime, 1n)
  // By the Chinese remainder theorem: a factor for each prime.
  const parts = primes.map(prime => {
    const others = modulus / prime
    return { prime, exponent: inverse(EXPONENT, prime - 1n), factor: others * inverse(others % prime, prime) }
  })
  const sign = (bytes: Buffer): Buffer => {
    const digest = Buffer.concat([Buffer.from(SHA256_PREFIX, 'hex'), createHash('sha256').update(bytes).digest()])
    const padding = Buffer.alloc(bytesOf(modulus).length - 3 - digest.length, 0xff)
    const padded = toInt(Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), digest]))
    const sum = parts.reduce((sum, { prime, exponent, factor }) => sum + power(padded, exponent, prime) * factor, 0n)
    const signature = bytesOf(sum % modulus)
    return Buffer.concat([Buffer.alloc(bytesOf(modulus).length - signature.length), signature])
  }
  const algorithm = sequence(Buffer.from('06092a864886f70d0101010500', 'hex'))
  const publicKey = sequence(algorithm, bits(sequence(integer(modulus), integer(EXPONENT))))
  return { publicKey, sign }
}

function certificate(
  subject: string,
  issuer: string,
  publicKey: Buffer,
  isAuthority: boolean,
  sign: (bytes: Buffer) => Buffer,
): Buffer {
  const algorithm = sequence(der(0x06, Buffer.from(RSA_SHA256, 'hex')), der(0x05, Buffer.alloc(0)))
  const validity = sequence(...['20200101000000Z', '20600101000000Z'].map(time => der(0x18, Buffer.from(time))))
  const constraints = sequence(
    Buffer.from('0603551d13', 'hex'),
    der(0x04, isAuthority ? Buffer.from('30030101ff', 'hex') : Buffer.from('3000', 'hex')),
  )
  const body = sequence(
    der(0xa0, Buffer.from('020102', 'hex')),
    integer(toInt(randomBytes(8)) | 1n),
    algorithm,
    name(issuer),
    validity,
    name(subject),
    publicKey,
    der(0xa3, sequence(constraints)),
  )
  return sequence(body, algorithm, bits(sign(body)))
}

const name = (common: string): Buffer =>
  sequence(der(0x31, sequence(Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from(common)))))

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, Buffer.concat(parts))
const bits = (bytes: Buffer): Buffer => der(0x03, Buffer.concat([Buffer.from([0]), bytes]))
const integer = (value: bigint): Buffer => {
  const bytes = bytesOf(value)
  return der(0x02, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
}

const toInt = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex')}`)
function bytesOf(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, base % modulus]
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n]
  while (b > 0n) {
    const quotient = a / b
    ;[a, b, x, y] = [b, a - quotient * b, y, x - quotient * y]
  }
  return ((x % modulus) + modulus) % modulus
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b))

function toPem(bytes: Buffer): string {
  const lines = bytes
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
